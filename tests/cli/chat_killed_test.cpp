// kill -9 at every system call that can change a file, from the first of the program's start to the last of a
// chat: what is saved is the chat before the turn or after it, and the next start goes on from there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

// Between any two of these no file changes. close() frees locks.
bool changes_files(std::uint64_t call) {
  constexpr long kCalls[] = {
#ifdef SYS_open
      SYS_open,     SYS_rename,   SYS_unlink,    SYS_mkdir,
#endif
      SYS_openat,   SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_write,
      SYS_pwrite64, SYS_fsync,    SYS_fchmod,    SYS_flock,    SYS_close,   SYS_ftruncate};
  return std::ranges::find(kCalls, long(call)) != std::end(kCalls);
}

enum class Ended { by_itself, killed, untraceable };

// A program, killed as it enters call number `at` of those that change files.
class KilledProgram {
 public:
  KilledProgram(const Arguments& arguments, const std::string& input_path, const Environment& environment)
      : process_(::fork()) {
    if (process_ == 0) become(arguments, input_path, environment);
  }
  Ended run(int at) {
    int status = 0;
    if (process_ < 0 || ::waitpid(process_, &status, 0) != process_ || !WIFSTOPPED(status))
      return Ended::untraceable;
    ::ptrace(PTRACE_SETOPTIONS, process_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (int signal = 0;;) {
      ::ptrace(PTRACE_SYSCALL, process_, nullptr, signal);
      if (::waitpid(process_, &status, 0) != process_ || !WIFSTOPPED(status)) return Ended::by_itself;
      const bool at_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
      signal = at_call || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
      if (!at_call || !enters_change() || at-- > 0) continue;
      ::kill(process_, SIGKILL);
      ::waitpid(process_, &status, 0);
      return Ended::killed;
    }
  }

 private:
  [[noreturn]] static void become(const Arguments& arguments, const std::string& input_path,
                                  const Environment& environment) {
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // which cannot work under a tracer
    const int input = ::open(input_path.c_str(), O_RDONLY), nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(input, STDIN_FILENO), ::dup2(nothing, STDOUT_FILENO), ::dup2(nothing, STDERR_FILENO);
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(127);
    ::raise(SIGSTOP);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  bool enters_change() const {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, process_, sizeof info, &info);
    return info.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(info.entry.nr);
  }

  const pid_t process_;
};

TEST(ChatKilled, AtAnyCallThatChangesFilesLeavesAWholeChat) {
  const TempDir home;
  const Environment environment{{"XDG_DATA_HOME", home.file("data")},
                                {"XDG_STATE_HOME", home.file("state")},
                                {"HOME", home.path().string()},
                                {"LONGHAND_MODEL", LONGHAND_GUIDE "/guide-q8_0.gguf"}};
  const Arguments program = {LONGHAND_PROGRAM, "chat", "--commands", "--temp", "0", "-t", "1", "-c", "256"};
  const std::string folder = home.file("data/longhand/chats"), chat = folder + "/talk.json",
                    cache = folder + "/talk.cache", ask = "What is the secret word?\n",
                    input = home.write("input", "/load talk\n" + ask);
  const auto answers = [&] { return run_process(program, "/load talk\n" + ask, environment).out; };

  run_process(program, "The secret word is lantern.\n/save talk\n", environment);
  fs::create_directory(home.file("old"));
  const auto copy = [](const std::string& from, const std::string& to) {
    for (const auto& file : fs::directory_iterator(from))
      fs::copy_file(file.path(), to / file.path().filename(), fs::copy_options::overwrite_existing);
  };
  copy(folder, home.file("old"));
  const std::string before = read_text(chat), answer = answers(), after = read_text(chat);
  ASSERT_THAT(answer, HasSubstr("antern"));
  ASSERT_NE(before, after);

  int kills = 0, starts = 0;
  for (bool changed = false;; ++kills) {
    SCOPED_TRACE(kills);
    ASSERT_LT(kills, 2000);
    copy(home.file("old"), folder);
    const Ended ended = KilledProgram(program, input, environment).run(kills);
    if (ended == Ended::untraceable) GTEST_SKIP() << "SKIPPED, NOT TESTED: this system traces no programs";
    const std::string found = read_text(chat);
    ASSERT_THAT(found, AnyOf(before, after));
    EXPECT_TRUE(found == after || !changed) << "later calls do not bring the old chat back";
    changed = found == after;
    if (ended == Ended::by_itself) break;
    if (kills % 16 != 0 && !fs::exists(chat + ".new") && !fs::exists(cache + ".new")) continue;
    // Where something unfinished was left, and now and then elsewhere: the next start.
    ++starts;
    ASSERT_THAT(answers(), HasSubstr("antern"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2) << "the chat, its cache, no leftovers";
  }
  EXPECT_EQ(read_text(chat), after);
  EXPECT_GT(kills, 20);
  EXPECT_GT(starts, 5);
  RecordProperty("kills", kills);
  RecordProperty("starts", starts);
}

}  // namespace
}  // namespace longhand::test
