// Processor time of the calling thread, for bounds that a busy machine does not break.
#pragma once

#include <ctime>

namespace longhand::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
inline constexpr bool kSlowBuild = true;  // frames and times of such builds say nothing about the product
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif
#else
inline constexpr bool kSlowBuild = false;
#endif

inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

/// What `work` took, in seconds of an optimised build: slower ones are allowed thirty times as much.
template <class Work>
double cpu_seconds_of(Work&& work) {
  const double start = cpu_seconds();
  work();
  return (cpu_seconds() - start) / (kSlowBuild ? 30 : 1);
}

}  // namespace longhand::test
