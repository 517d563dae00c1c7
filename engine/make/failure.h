// Exceptions of threads that work together.
#pragma once

#include <atomic>
#include <exception>

namespace longhand {

/// Keeps the first exception of threads that work together.
class Failure {
 public:
  bool happened() const noexcept { return happened_.load(std::memory_order_relaxed); }
  template <class Function>
  void guard(const Function& f) noexcept {
    if (happened()) return;
    try {
      f();
    } catch (...) {
      if (!happened_.exchange(true)) first_ = std::current_exception();
    }
  }
  /// Once the threads are done.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> happened_{false};
  std::exception_ptr first_;
};

}  // namespace longhand
