// Hosts of all kinds: small stacks, other rounding, commas in numbers, no descriptors, no memory.
#include <fcntl.h>
#include <fenv.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <locale>
#include <string>
#include <vector>

#include "engine/api/access.h"
#include "engine/chat/chat_format.h"
#include "engine/forward/model.h"
#include "ops/error.h"
#include "tests/faults/environment.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace longhand::test {

TEST_P(Environment, IsSurvived) {
  (void)tiny_path();  // made here, and with in(), so that it is removed at the end
  (void)in("");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    bool holds = false;
    try {
      holds = GetParam().holds();
    } catch (const std::exception& error) {
      [[maybe_unused]] const ssize_t n = ::write(2, error.what(), std::strlen(error.what()));
    }
    ::_exit(holds ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFSIGNALED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

namespace {

bool on_stack_of(std::size_t bytes, const std::function<bool()>& work) {
  struct Job {
    const std::function<bool()>& work;
    bool result;
  } job{work, false};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  pthread_t thread{};
  const auto run = [](void* j) -> void* {
    auto& mine = *static_cast<Job*>(j);
    mine.result = mine.work();
    return nullptr;
  };
  if (pthread_create(&thread, &attributes, run, &job) != 0) return false;
  pthread_join(thread, nullptr);
  return job.result;
}

void limit(int resource, rlim_t value) {
  const rlimit to{value, value};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &to);
}

// What is left of the address space, whatever tests before this one have taken.
void leave_address_space(rlim_t bytes) {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  limit(RLIMIT_AS, pages * rlim_t(::sysconf(_SC_PAGESIZE)) + bytes);
}

bool chats() {
  const Tokenizer& tokenizer = model_data(tiny()).tokenizer;
  ChatSource source = chat_source(tokenizer.vocab());
  source.template_text =
      "{% for m in messages %}{{ m.content }}{{ 1.5 + 2 }} {{ 12345678 }} {{ '%.2f'|format(0.25) }}"
      "{% endfor %}";
  const ChatMessage ask{"user", "x", ""};
  return prompt_text(ChatFormat(source).render({&ask, 1})) == "x3.5 12345678 0.25";
}
bool samples_by_grammar() {
  Session session(tiny(), small_session());
  Sampler sampler(tiny(), {.seed = 1, .grammar = "root ::= [0-9]{3} \".\" [a-c]+"});
  return !generate(session, some_tokens(5), sampler, {.max_tokens = 5}).tokens.empty();
}

// Signals' handlers, the mask, the locale, the folder, rounding: what belongs to the host.
struct HostState {
  std::array<struct sigaction, 32> actions{};
  sigset_t mask{};
  std::string locale, folder;
  int rounding = 0;
  unsigned control = 0;
  mode_t umask_now = 0;

  HostState() {
    for (int i = 1; i < 32; ++i) ::sigaction(i, nullptr, &actions[std::size_t(i)]);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    locale = std::setlocale(LC_ALL, nullptr);
    folder = std::filesystem::current_path().string();
    rounding = ::fegetround();
#if defined(__x86_64__)
    control = _mm_getcsr() & ~0x3Fu;  // without the flags of what has happened
#endif
    umask_now = ::umask(0);
    ::umask(umask_now);
  }
  bool operator==(const HostState& other) const {
    bool same = std::memcmp(&mask, &other.mask, sizeof mask) == 0;
    for (std::size_t i = 1; i < 32; ++i) same = same && actions[i].sa_handler == other.actions[i].sa_handler;
    return same && locale == other.locale && folder == other.folder && rounding == other.rounding &&
           control == other.control && umask_now == other.umask_now;
  }
};
bool all_of_it_leaves_the_host_alone() {
  const HostState before;
  const TempDir dir;
  const bool works =
      a_model_works() && chats() && samples_by_grammar() && saves_and_restores(dir.file("state"));
  return works && HostState() == before;
}

bool in_rounding(int mode) {
  ::fesetround(mode);
  Session session(tiny(), small_session());
  session.feed(some_tokens(20));
  Sampler sampler(tiny(), {.seed = 1});
  const bool drawn = generate(session, {}, sampler, {.max_tokens = 20}).tokens.size() <= 20;
  const TempDir dir;
  return drawn && chats() && saves_and_restores(dir.file("state")) && ::fegetround() == mode;
}

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};
bool with_commas(const std::function<bool()>& work) {
  std::locale::global(std::locale(std::locale(), new Comma));
  return work();
}

std::vector<Case> stacks() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t kStack = 16 << 20;  // their frames are many times as large
#else
  constexpr std::size_t kStack = 128 * 1024;
#endif
  return {
      {"StackLoads", [] { return on_stack_of(kStack, a_model_works); }},
      {"StackEncodes",
       [] {
         return on_stack_of(kStack, [] {
           return tiny().encode(std::string(1 << 20, 'a')).size() > 1000 &&
                  tiny().encode(std::string(1 << 20, ' ')).size() > 1000;
         });
       }},
      {"StackChats", [] { return on_stack_of(kStack, chats); }},
      {"StackSamplesByGrammar", [] { return on_stack_of(kStack, samples_by_grammar); }},
      {"StackSaves",
       [] { return on_stack_of(kStack, [] { return saves_and_restores(in("small_stack")); }); }},
      {"StackRefusesDeepGrammars",
       [] {
         return on_stack_of(kStack, [] {
           const std::string deep =
               "root ::= " + std::string(60'000, '(') + "\"a\"" + std::string(60'000, ')');
           const auto code = error_of([&] { Sampler(tiny(), {.grammar = deep}); });
           return !code || code == Errc::grammar;
         });
       }},
      {"StackFeedsEveryMemory",
       [] {
         return on_stack_of(kStack, [] {
           for (const NamedMemory& memory : small_memories()) {
             Session session(tiny(), small_session(memory.attention));
             if (session.feed(some_tokens(60)).size() != 300) return false;
           }
           return true;
         });
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Stacks, Environment, testing::ValuesIn(stacks()), name_of);

std::vector<Case> numbers() {
  return {
    {"RoundingUp", [] { return in_rounding(FE_UPWARD); }},
        {"RoundingDown", [] { return in_rounding(FE_DOWNWARD); }},
        {"RoundingToZero", [] { return in_rounding(FE_TOWARDZERO); }},
#if defined(__x86_64__)
        {"DenormalsAreZeros",
         [] {
           _mm_setcsr(_mm_getcsr() | 0x8040);
           const TempDir dir;
           return a_model_works() && samples_by_grammar() && saves_and_restores(dir.file("state")) &&
                  (_mm_getcsr() & 0x8040) == 0x8040;
         }},
#endif
        {"LocaleOfC",
         [] { return std::setlocale(LC_ALL, "C.UTF-8") != nullptr && chats() && a_model_works(); }},
        {"LocaleOfGermany",
         [] {
           std::setlocale(LC_ALL, "de_DE.UTF-8");  // where it is installed
           return chats() && samples_by_grammar() && a_model_works();
         }},
        {"CommasInChats", [] { return with_commas(chats); }},
        {"CommasInGrammars", [] { return with_commas(samples_by_grammar); }},
        {"CommasInStates",
         [] {
           const std::string path = in("commas");
           return saves_and_restores(path) && with_commas([&] {
                    Session session(tiny(), small_session());
                    session.restore_state(path);
                    return session.size() == 9;
                  });
         }},
        {"CommasInErrors", [] {
           return with_commas([] {
             try {
               Session session(tiny(), {.context = 1 << 20, .batch = 123456789});
             } catch (const Error& error) { return std::strstr(error.what(), "123456789") != nullptr; }
             return false;
           });
         }},
  };
}
INSTANTIATE_TEST_SUITE_P(Numbers, Environment, testing::ValuesIn(numbers()), name_of);

std::vector<Case> hosts() {
  return {
      {"HostIsLeftAlone", all_of_it_leaves_the_host_alone},
      {"AllSignalsBlocked",
       [] {
         sigset_t all;
         ::sigfillset(&all);
         ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
         return all_of_it_leaves_the_host_alone();
       }},
      {"NothingIsPrinted",
       [] {
         const std::string path = in("printed");
         const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
         ::dup2(file, 1);
         ::dup2(file, 2);
         const bool works = all_of_it_leaves_the_host_alone() && load_is_refused("/nowhere");
         return works && std::filesystem::file_size(path) == 0;
       }},
      {"NoStandardStreams",
       [] {
         for (const int fd : {0, 1, 2}) ::close(fd);
         return a_model_works() && saves_and_restores(in("no_streams"));
       }},
      {"NoEnvironment",
       [] {
         ::clearenv();
         return a_model_works() && saves_and_restores(in("no_environment"));
       }},
      {"UnknownInstructionSetInTheEnvironment",
       [] {
         ::setenv("LONGHAND_ISA", "abacus", 1);
         return error_of([] { Model::load(tiny_path(), one_thread()); }).has_value();
       }},
      {"ForkedChildGoesOn",
       [] {
         Session session(tiny(), small_session());
         session.feed(some_tokens(20));
         const pid_t child = ::fork();
         if (child == 0) ::_exit(session.feed(some_tokens(3)).size() == 300 && a_model_works() ? 0 : 1);
         int status = 0;
         ::waitpid(child, &status, 0);
         return status == 0 && session.feed(some_tokens(3)).size() == 300;
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Hosts, Environment, testing::ValuesIn(hosts()), name_of);

std::vector<Case> limits() {
  return {
    {"NoThreads",
     [] {
       (void)tiny();
       if (::geteuid() != 0) return true;  // others of this user may have threads
       become_nobody();
       limit(RLIMIT_NPROC, 1);
       SessionOptions many = small_session();
       many.threads = 3;
       LoadOptions loading;
       loading.threads = 3;
       Session alone(tiny(), small_session());
       return error_of([&] { Session(tiny(), many); }) == Errc::no_memory &&
              error_of([&] { Model::load("/proc/self/exe", loading); }).has_value() &&
              alone.feed(some_tokens(9)).size() == 300;
     }},

        {"NoDescriptorsForLoading",
         [] {
           if (!a_model_works()) return false;
           limit(RLIMIT_NOFILE, 3);
           return error_of([] { Model::load(tiny_path(), one_thread()); }) == Errc::io;
         }},
        {"NoDescriptorsForStates",
         [] {
           Session session(tiny(), small_session());
           session.feed(some_tokens(9));
           session.save_state(in("state_nofile"));
           limit(RLIMIT_NOFILE, 3);
           return error_of([&] { session.save_state(in("state_nofile")); }) == Errc::io &&
                  error_of([&] { session.restore_state(in("state_nofile")); }) == Errc::io &&
                  session.feed(some_tokens(1)).size() == 300;
         }},
        {"NoSpaceForStates",
         [] {
           ::signal(SIGXFSZ, SIG_IGN);
           if (!saves_and_restores(in("state_space"))) return false;
           const std::string old = read_text(in("state_space"));
           limit(RLIMIT_FSIZE, 1000);
           return save_is_refused(in("state_space")) && read_text(in("state_space")) == old &&
                  !std::filesystem::exists(in("state_space.new"));
         }},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        {"LittleAddressSpaceForSessions",
         [] {
           (void)tiny();
           leave_address_space(rlim_t{200} << 20);
           const auto code = error_of([] { Session(tiny(), {.context = 1 << 24, .threads = 1}); });
           return code == Errc::no_memory && a_model_works();
         }},
        {"LittleAddressSpaceForWeights",
         [] {
           constexpr std::uint64_t kHidden = 512;
           test::tiny_llama({kHidden, 8 * kHidden, 0,
                             [](std::uint64_t cols, std::uint64_t rows) {
                               return std::string(cols * rows * sizeof(float), '\0');
                             }})
               .write(in("large"));
           // 60 MB of weights: enough to map the file, too little for a copy.
           leave_address_space(rlim_t{100} << 20);
           const Model model = Model::load(in("large"), one_thread());
           Session session(model, {.context = 64, .threads = 1});
           session.feed(some_tokens(3));
           return model.info().warnings.size() == 1;
         }},
        {"LittleAddressSpaceForText", [] {
           const std::string text(20'000'000, 'a');
           leave_address_space(rlim_t{60} << 20);
           const auto code = error_of([&] { tiny().encode(text); });
           return (!code || code == Errc::no_memory) && a_model_works();
         }},
#endif
  };
}
INSTANTIATE_TEST_SUITE_P(Limits, Environment, testing::ValuesIn(limits()), name_of);

}  // namespace
}  // namespace longhand::test
