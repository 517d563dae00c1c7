// Tries what an operation does when memory runs out at each of its allocations in turn.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <optional>
#include <type_traits>

#include "ops/error.h"
#include "tests/faults/system_calls.h"
#include "tests/support/allocations.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {

/// What is left allocated and mapped.
struct Held {
  std::ptrdiff_t allocations = live_allocations(), bytes = mapped_bytes();
  bool operator==(const Held&) const = default;
};

/// Runs `operation` with allocation n failing, for n = 0, 1, ... as far as it goes: that one only, then also
/// all that follow. Each time it must either make what it makes with memory enough, or throw Error
/// (no_memory), or, where no memory is left even for the words of an error, std::bad_alloc; and must leave
/// nothing behind. `check` then looks at what it worked on. Returns how many allocations failed. Long
/// operations try every `lasting_stride`-th of those that last.
template <class Operation, class Check>
std::size_t run_out_of_memory(const Operation& operation, const Check& check,
                              std::size_t lasting_stride = 1) {
  EXPECT_TRUE(a_model_works());
  const auto expected = operation();
  check();
  (void)operation();  // whatever grows once has grown
  check();
  const Held before;
  std::size_t failures = 0;
  for (const bool lasting : {false, true}) {
    for (std::size_t n = 0;; n += lasting ? lasting_stride : 1) {
      std::optional<std::remove_const_t<decltype(expected)>> made;
      std::optional<Errc> code;
      bool failed = false, wordless = false;
      {
        const FailingAllocation failure(n, lasting);
        try {
          made.emplace(operation());
        } catch (const Error& error) { code = error.code(); } catch (const std::bad_alloc&) {
          wordless = true;
        }
        failed = failure.failed();
      }
      EXPECT_TRUE(made || wordless || code == Errc::no_memory)
          << n << ": " << errc_name(code.value_or(Errc::io));
      EXPECT_FALSE(wordless && !lasting) << n << ": std::bad_alloc";
      EXPECT_EQ(made.value_or(expected), expected) << n;
      made.reset();
      check();
      EXPECT_EQ(Held(), before) << n << ": " << Held().allocations - before.allocations << " allocations, "
                                << Held().bytes - before.bytes << " bytes mapped are left";
      if (failed) ++failures;
      if (!failed || testing::Test::HasFailure()) break;
    }
  }
  EXPECT_TRUE(a_model_works());
  testing::Test::RecordProperty("failed_allocations", int(failures));
  return failures;
}

}  // namespace longhand::test
