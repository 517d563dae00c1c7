// Tries what an operation does when a system call fails, at each of its calls in turn.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

#include "ops/error.h"
#include "tests/faults/system_calls.h"

namespace longhand::test {

inline const Fault kFaults[] = {{EIO},    {ENOSPC}, {EACCES}, {EMFILE},    {EINTR},        {ENOMEM},
                                {EDQUOT}, {ESTALE}, {0},      {EIO, true}, {ENOSPC, true}, {0, true}};

inline std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

struct Outcome {
  std::string call;          // that failed; empty: there were not so many
  std::optional<Errc> code;  // of the error thrown
};

/// Runs `operation` with each fault at each of its calls; `check` gets what came of it.
template <class Operation, class Check>
void at_every_call(const Operation& operation, const Check& check) {
  operation();
  check(Outcome());
  int faults = 0;
  const std::ptrdiff_t descriptors = open_descriptors(), mapped = mapped_bytes();
  for (const Fault& fault : kFaults) {
    for (std::size_t n = 0;; ++n) {
      ASSERT_LT(n, 1000U);
      Outcome outcome;
      {
        const FailingCall failure(n, fault);
        try {
          operation();
        } catch (const Error& error) { outcome.code = error.code(); }
        outcome.call = failure.name();
      }
      SCOPED_TRACE(outcome.call + " " + std::to_string(n) + ": " + std::to_string(fault.error));
      // Interrupted and shortened calls are taken up again.
      const bool harmless =
          fault.error == 0 || (fault.error == EINTR && !fault.lasting && outcome.call != "rename" &&
                               outcome.call != "mmap" && outcome.call != "fstat");
      const Errc code = outcome.code.value_or(Errc::io);
      EXPECT_FALSE(harmless && outcome.code) << errc_name(code);
      EXPECT_THAT(code, testing::AnyOf(Errc::io, Errc::no_memory));
      check(outcome);
      EXPECT_EQ(open_descriptors(), descriptors);
      EXPECT_EQ(mapped_bytes(), mapped);
      if (outcome.call.empty() || testing::Test::HasFailure()) break;
      ++faults;
    }
  }
  EXPECT_GE(faults, 20);
  testing::Test::RecordProperty("faults", faults);
}

}  // namespace longhand::test
