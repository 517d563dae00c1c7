// A long life in a short time: models loaded and let go, sessions opened and closed, a chat of many turns.
// Memory, open files and threads must be at the end what they were once everything had happened a few times.
// long_life [ROUNDS]: so many of each, 1000 unless told.
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "engine/api/access.h"
#include "engine/chat/conversation.h"
#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONGHAND_OWN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LONGHAND_OWN_MALLOC 1
#endif
#endif

namespace longhand {
namespace {

struct Usage {
  long bytes = 0, files = 0, threads = 0;
};

long entries(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}

Usage usage() {
  ::malloc_trim(0);  // what was freed is not what is used
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return {resident * ::sysconf(_SC_PAGESIZE), entries("/proc/self/fd"), entries("/proc/self/task")};
}

// `round` as often as asked; false when something grew after the first tenth.
bool repeat(const char* name, int rounds, const std::function<void(int)>& round) {
  const int warm = rounds / 10 + 1;
  for (int i = 0; i < warm; ++i) round(i);
  const Usage before = usage();
  for (int i = warm; i < rounds; ++i) round(i);
  const Usage after = usage();
  const double growth = double(after.bytes - before.bytes) / double(before.bytes);
#ifdef LONGHAND_OWN_MALLOC
  const bool grown = false;  // a sanitizer keeps what was freed
#else
  const bool grown = growth >= 0.01;
#endif
  const bool same = !grown && after.files == before.files && after.threads == before.threads;
  std::printf("%-22s %6d rounds  %7.1f MiB resident, grown by %.2f%%  %ld files, %ld threads  %s\n", name,
              rounds, double(after.bytes) / (1 << 20), 100 * growth, after.files, after.threads,
              same ? "fine" : "GROWN");
  return same;
}

SessionOptions small(int threads) {
  SessionOptions options;
  options.context = 128;
  options.threads = threads;
  options.batch = 32;
  return options;
}

class LongLife {
 public:
  explicit LongLife(int rounds) : rounds_(rounds) { test::tiny_llama().write(path_); }

  bool loads() {
    return repeat("load and unload", rounds_, [&](int i) {
      const Model model = Model::load(path_, {.repack = i % 2 == 0, .threads = 1 + i % 2});
      static_cast<void>(model.encode("Hello, world"));
    });
  }

  bool refusals() {
    const std::string bad = folder_.write("bad.gguf", test::tiny_llama().build().substr(0, 20'000));
    return repeat("refused files", rounds_, [&](int) {
      try {
        static_cast<void>(Model::load(bad));
        std::abort();
      } catch (const Error&) {}
    });
  }

  bool sessions() {
    const Model model = Model::load(path_);
    const std::string state = folder_.file("state");
    return repeat("sessions", rounds_, [&](int i) {
      SessionOptions options = small(1 + i % 2);
      options.attention.memory = i % 3 == 0 ? "vq" : i % 3 == 1 ? "window" : "full";
      Session session(model, options);
      session.feed(std::vector<Token>{1, 2, 3, 4, 5});
      session.save_state(state);
      session.rewind(0);
      session.restore_state(state);
    });
  }

  bool turns() {
    const Model model = Model::load(path_);
    const Tokenizer& tokenizer = model_data(model).tokenizer;
    const ChatFormat format(chat_source(tokenizer.vocab()));
    Session session(model, small(2));
    Sampler sampler(model, {.seed = 1});
    Conversation talk(format, tokenizer);
    return repeat("turns of a chat", 10 * rounds_, [&](int i) {
      talk.ask(i % 5 == 0 ? "again" : "Hi");
      const TurnPlan plan = talk.plan_turn(session.tokens(), 128, 8);
      session.rewind(int(plan.rewind_to));
      const GenerateResult said = generate(session, plan.new_tokens, sampler, {.max_tokens = 8});
      talk.answer({said.text, "", said.tokens, false});
      if (i % 50 == 49) talk.clear();
    });
  }

 private:
  int rounds_;
  test::TempDir folder_;
  std::string path_ = folder_.file("tiny.gguf");
};

}  // namespace
}  // namespace longhand

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  if (rounds < 1 || argc > 2) {
    std::fprintf(stderr, "long_life [ROUNDS]\n");
    return 2;
  }
  longhand::LongLife life(rounds);
  bool fine = life.loads();
  fine = life.refusals() && fine;
  fine = life.sessions() && fine;
  fine = life.turns() && fine;
  return fine ? 0 : 1;
}
