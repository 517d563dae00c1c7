// The threads a session computes with: they begin and end with it, they take no memory, so that none can run
// out of it, and a forked child does without them.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "engine/forward/model.h"
#include "ops/parallel.h"
#include "tests/support/allocations.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr int kWorkers = 2;

// Allocations of all threads but the one that calls.
std::size_t made_by_workers(const std::function<void()>& work) {
  const std::size_t before = allocations_made_by_all() - allocations_made();
  work();
  return allocations_made_by_all() - allocations_made() - before;
}

SessionOptions with_workers(const AttentionOptions& attention = {}) {
  SessionOptions options = small_session(attention);
  options.threads = options.prefill_threads = kWorkers;
  return options;
}

TEST(Workers, AreLookedAt) {
  EXPECT_EQ(
      made_by_workers([] {
        std::vector<std::string> kept(kWorkers);
        Team(kWorkers).run([&](const Worker& worker) { kept[std::size_t(worker.id)].assign(100, 'x'); });
      }),
      kWorkers - 1U);
}

TEST(Workers, OfLoadingAllocateNothing) {
  LoadOptions options;
  options.threads = kWorkers;
  EXPECT_EQ(made_by_workers([&] { Model::load(tiny_path(), options); }), 0U);
}

TEST(Workers, OfSessionsAllocateNothing) {
  const TempDir dir;
  for (const NamedMemory& memory : small_memories()) {
    SCOPED_TRACE(memory.name);
    EXPECT_EQ(made_by_workers([&] {
                Session session(tiny(), with_workers(memory.attention));
                session.feed(some_tokens(60));
                session.feed(some_tokens(7), [](int, std::span<const float>) {});
                Sampler sampler(tiny(), {.seed = 1});
                generate(session, {}, sampler, {.max_tokens = 8});
                session.rewind(20);
                (void)session.logits(11);
                session.feed(some_tokens(20, 3));
                session.save_state(dir.file("state"));
                session.restore_state(dir.file("state"));
                session.feed(some_tokens(1));
              }),
              0U);
  }
}

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::size_t(std::distance(begin(tasks), end(tasks)));
}

// So nothing but the creation of a session can fail for want of a thread, whichever thread it is used in.
TEST(Workers, BeginAndEndWithTheirSession) {
  const std::size_t before = threads_of_this_process();
  {
    Session session(tiny(), with_workers());
    EXPECT_EQ(threads_of_this_process(), before + kWorkers - 1);
    std::thread([&] {
      session.feed(some_tokens(40));
      session.feed(some_tokens(1));
      EXPECT_EQ(threads_of_this_process(), before + kWorkers) << "and the one that uses it";
    }).join();
  }
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST(Workers, LeaveSignalsToTheHost) {
  sigset_t blocked;
  Team(kWorkers).run([&](const Worker& worker) {
    if (worker.id == 1) pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  });
  for (const int signal : {SIGINT, SIGTERM, SIGWINCH, SIGCHLD, SIGALRM, SIGUSR1})
    EXPECT_TRUE(sigismember(&blocked, signal)) << signal;
  for (const int signal : {SIGBUS, SIGSEGV}) EXPECT_FALSE(sigismember(&blocked, signal)) << signal;
}

// Whether `holds` in a child; one that hangs is killed.
bool in_child(const std::function<bool()>& holds) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    bool held = false;
    try {
      held = holds();
    } catch (const std::exception&) {}
    ::_exit(held ? 0 : 1);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

TEST(Workers, AreNotMissedByAForkedChild) {
  Session session(tiny(), with_workers());
  session.feed(some_tokens(20));
  const std::vector<float> expected = copy_of(session.feed(some_tokens(30, 2)));
  session.rewind(20);
  const auto goes_on = [&] { return copy_of(session.feed(some_tokens(30, 2))) == expected; };
  EXPECT_TRUE(in_child(goes_on)) << "with a session of its parent's";
  EXPECT_TRUE(in_child([&] {
    LoadOptions loading;
    loading.threads = kWorkers;
    const Model model = Model::load(tiny_path(), loading);
    Session own(model, with_workers());
    own.feed(some_tokens(20));
    return copy_of(own.feed(some_tokens(30, 2))) == expected;
  })) << "with a model and a session of its own";
  EXPECT_TRUE(in_child([&] { return goes_on() && in_child([] { return a_model_works(); }); }))
      << "and with a child of its own";
  EXPECT_TRUE(goes_on()) << "the parent has its threads still";
}

}  // namespace
}  // namespace longhand::test
