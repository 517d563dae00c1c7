// System calls that fail, are interrupted or do half of their work: a model loads or does not, a state is
// saved or is not, and nothing is ever in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

#include "ops/error.h"
#include "tests/faults/system_calls.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

const Fault kFaults[] = {{EIO},    {ENOSPC}, {EACCES}, {EMFILE},    {EINTR},        {ENOMEM},
                         {EDQUOT}, {ESTALE}, {0},      {EIO, true}, {ENOSPC, true}, {0, true}};

std::ptrdiff_t open_descriptors() {
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

TEST(SystemCalls, OfLoading) {
  ASSERT_TRUE(a_model_works());
  at_every_call([&] { Model::load(tiny_path(), one_thread()); },
                [](const Outcome&) { EXPECT_TRUE(a_model_works()); });
}

TEST(SystemCalls, OfSaving) {
  const TempDir dir;
  const std::string path = dir.file("state"), copy = dir.file("copy");
  Session session(tiny(), small_session());
  session.feed(some_tokens(20));
  session.save_state(copy);
  const std::string old = read_text(copy);
  session.feed(some_tokens(10, 5));
  session.save_state(path);
  const std::string fresh = read_text(path);
  const std::uint32_t logits = digest(session.logits(29));
  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
  at_every_call([&] { session.save_state(path); },
                [&](const Outcome& outcome) {
                  const std::string found = read_text(path);
                  // Only a folder that could not be flushed may be an error with the new file in place.
                  EXPECT_TRUE(found == fresh || (outcome.code && found == old));
                  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2)
                      << "something was left behind";
                  EXPECT_EQ(digest(session.logits(29)), logits);
                  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
                });
}

TEST(SystemCalls, OfRestoring) {
  const TempDir dir;
  const std::string before = dir.file("before"), after = dir.file("after");
  for (const NamedMemory& memory : small_memories()) {
    SCOPED_TRACE(memory.name);
    Session session(tiny(), small_session(memory.attention));
    session.feed(some_tokens(40));
    session.save_state(after);
    const std::uint32_t new_logits = digest(session.logits(39));
    session.rewind(0);
    session.feed(some_tokens(25, 9));
    session.save_state(before);
    const std::uint32_t old_logits = digest(session.logits(24));
    at_every_call([&] { session.restore_state(after); },
                  [&](const Outcome& outcome) {
                    ASSERT_EQ(session.size(), outcome.code ? 25 : 40);
                    EXPECT_EQ(digest(session.logits(session.size() - 1)),
                              outcome.code ? old_logits : new_logits);
                    session.restore_state(before);
                  });
  }
}

}  // namespace
}  // namespace longhand::test
