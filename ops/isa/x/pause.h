// What a thread does that looks again and again: it leaves the core to its neighbour for a moment.
#pragma once

namespace longhand {

inline void pause_core() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace longhand
