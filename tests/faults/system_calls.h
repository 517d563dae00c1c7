// The system calls of the library and of what the program keeps, any of which can be made to fail. For
// programs linked with --wrap of each of them.
#pragma once

#include <cstddef>
#include <string>

namespace longhand::test {

struct Fault {
  int error = 0;         ///< what errno says; 0: the call does half of what it is asked
  bool lasting = false;  ///< all later calls of the same name fail as well
};

/// While it lives, the call number `n` (from 0) suffers the fault; at most one at a time, in one thread.
class FailingCall {
 public:
  FailingCall(std::size_t n, Fault fault);
  ~FailingCall();
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;
  /// Of the call that failed; empty where there were not so many.
  const std::string& name() const;
};

/// Mapped and not yet unmapped, by this program's own code.
std::ptrdiff_t mapped_bytes() noexcept;

}  // namespace longhand::test
