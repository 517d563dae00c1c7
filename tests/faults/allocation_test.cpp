// Memory that runs out anywhere: an error, nothing lost, and all goes on as before.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include "engine/api/access.h"
#include "engine/api/verifier.h"
#include "engine/chat/conversation.h"
#include "engine/forward/model.h"
#include "engine/types/memory_errors.h"
#include "tests/faults/out_of_memory.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

const auto kNothing = [] {};

TEST(OutOfMemory, Loading) {
  const std::string& path = tiny_path();
  int count = 0;
  EXPECT_GT(run_out_of_memory(
                [&] {
                  const Model model = Model::load(path, one_thread());
                  return model.info().parameters;
                },
                [&] { EXPECT_TRUE(++count % 64 != 0 || a_model_works()); }, 16),
            300U);
}

TEST(OutOfMemory, Text) {
  const std::string text = "A text <|im_start|> with everything: \xF0\x9F\x98\x80, 1234, ab cd ef\n\n\xFF.";
  const std::vector<Token> tokens = tiny().encode(text);
  run_out_of_memory([&] { return tiny().encode(text, true, true); }, kNothing);
  run_out_of_memory([&] { return tiny().decode(tokens); }, kNothing);
  run_out_of_memory([&] { return tiny().piece(tokens[3]); }, kNothing);
}

class OutOfMemorySession : public testing::TestWithParam<NamedMemory> {
 protected:
  // The session is as it was after some_tokens(20).
  void expect_untouched(Session& session) {
    EXPECT_TRUE(std::ranges::equal(session.tokens(), some_tokens(20)));
    EXPECT_EQ(copy_of(session.logits(19)), logits_);
  }
  Session prepared() {
    Session session(tiny(), options_);
    session.feed(some_tokens(20));
    logits_ = copy_of(session.logits(19));
    return session;
  }
  // The session grew by an operation that succeeded: back to where it was.
  static void go_back(Session& session) {
    if (session.size() > 20) session.rewind(20);
  }

  const SessionOptions options_ = small_session(GetParam().attention);
  std::vector<float> logits_;
};

TEST_P(OutOfMemorySession, IsMade) {
  run_out_of_memory(
      [&] {
        const Session session(tiny(), options_);
        return session.bytes();
      },
      kNothing);
}

TEST_P(OutOfMemorySession, IsFed) {
  Session session = prepared();
  const std::vector<Token> more = some_tokens(40, 7);
  const auto check = [&] {
    go_back(session);
    expect_untouched(session);
  };
  run_out_of_memory([&] { return digest(session.feed(more)); }, check);
  run_out_of_memory([&] { return digest(session.feed({more.data(), 1})); }, check);
  run_out_of_memory(
      [&] {
        std::uint32_t all = 0;
        session.feed(more, [&](int, std::span<const float> logits) { all = digest(logits, all); });
        return all;
      },
      check);
}

TEST_P(OutOfMemorySession, GoesBackAndLooksBack) {
  Session session = prepared();
  const auto check = [&] {
    if (session.size() < 20)
      session.feed(std::span<const Token>(some_tokens(20)).subspan(session.tokens().size()));
    expect_untouched(session);
  };
  const Token one = 77;
  run_out_of_memory([&] { return digest(session.logits(11)); }, check);
  run_out_of_memory(
      [&] {
        session.rewind(6);
        return digest(session.feed({&one, 1}));
      },
      [&] {
        session.rewind(std::min(session.size(), 6));
        check();
      });
}

TEST_P(OutOfMemorySession, IsSavedAndRestored) {
  const TempDir dir;
  const std::string path = dir.file("state"), other = dir.file("other");
  Session session = prepared();
  {
    Session elsewhere(tiny(), options_);
    elsewhere.feed(some_tokens(50, 3));
    elsewhere.save_state(other);
  }
  session.save_state(path);
  const std::string saved = read_text(path);
  const auto check = [&] {
    go_back(session);
    expect_untouched(session);
  };
  run_out_of_memory([&] { return session.state_bytes(); }, check);
  run_out_of_memory(
      [&] {
        session.save_state(path);
        return 0;
      },
      [&] {
        expect_untouched(session);
        EXPECT_EQ(read_text(path), saved);
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2);
      });
  run_out_of_memory(
      [&] {
        session.restore_state(other);
        return session.size();
      },
      [&] {
        if (session.size() == 50) session.restore_state(path);
        expect_untouched(session);
      });
}

TEST_P(OutOfMemorySession, IsSavedToMemory) {
  Session session = prepared();
  Session elsewhere(tiny(), options_);
  elsewhere.feed(some_tokens(50, 3));
  const std::vector<std::byte> saved = session.save_state(), other = elsewhere.save_state();
  run_out_of_memory([&] { return session.save_state() == saved; }, [&] { expect_untouched(session); });
  run_out_of_memory(
      [&] {
        session.restore_state(other);
        return session.size();
      },
      [&] {
        if (session.size() == 50) session.restore_state(saved);
        expect_untouched(session);
      });
}

TEST_P(OutOfMemorySession, IsComputedWithOthers) {
  Runner runner(tiny(), {.threads = 1, .batch = 16});
  Session one(runner, options_), two(runner, options_);
  const std::vector<Token> begin = some_tokens(20), more = some_tokens(30, 6);
  std::vector<Runner::Feed> beginning = {{one, begin}, {two, begin}}, both = {{one, more}, {two, more}};
  runner.run(beginning);
  logits_ = copy_of(one.logits(19));
  run_out_of_memory(
      [&] {
        runner.run(both);
        return digest(two.logits(49));
      },
      [&] {
        EXPECT_EQ(one.size(), two.size());
        go_back(one);
        go_back(two);
        expect_untouched(one);
        expect_untouched(two);
      });
}

std::string name_of(const testing::TestParamInfo<NamedMemory>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Memories, OutOfMemorySession,
                         testing::ValuesIn(small_memories().begin(), small_memories().end()), name_of);

// Whatever part of it was written: what the session holds is what its tokens say.
class OutOfMemoryWriting : public testing::Test {
 protected:
  std::vector<Token> write(Session& session, Sampler& sampler, Speculation* speculation = nullptr) {
    session.rewind(0);
    sampler.reset();
    options_.speculation = speculation;
    return generate(session, prompt_, sampler, options_).tokens;
  }
  void expect_consistent(Session& session) {
    const std::vector<Token> tokens(session.tokens().begin(), session.tokens().end());
    if (tokens.empty()) return;
    Session fresh(tiny(), small_session());
    EXPECT_EQ(copy_of(session.logits(session.size() - 1)), copy_of(fresh.feed(tokens)));
  }
  const std::vector<Token> prompt_ = some_tokens(10);
  GenerateOptions options_{.max_tokens = 12, .stop = {"zz"}, .written_out = {}};
};

TEST_F(OutOfMemoryWriting, ByAGrammar) {
  SamplerOptions options;
  options.seed = 3;
  options.grammar = "root ::= (\"a\" [b-f] | [0-9]+ \";\")* \"end\"";
  options.repeat_penalty = 1.1f;
  options.dry_multiplier = 0.5f;
  Session session(tiny(), small_session());
  Sampler sampler(tiny(), options);
  const std::vector<Token> expected = write(session, sampler);
  const auto check = [&] {
    expect_consistent(session);
    EXPECT_EQ(write(session, sampler), expected);
  };
  EXPECT_GT(run_out_of_memory([&] { return write(session, sampler); }, check), 100U);
}

TEST_F(OutOfMemoryWriting, WithProbabilities) {
  Session session(tiny(), small_session());
  Sampler sampler(tiny(), {.temperature = 0});
  options_.top_log_probabilities = 4;
  const std::vector<Token> expected = write(session, sampler);
  const auto check = [&] {
    expect_consistent(session);
    EXPECT_EQ(write(session, sampler), expected);
  };
  run_out_of_memory([&] { return write(session, sampler); }, check);
}

TEST_F(OutOfMemoryWriting, WithGuesses) {
  for (const bool draft : {false, true}) {
    SpeculationOptions how;
    how.adapt = false;
    how.most = 4;
    if (draft) how.draft = tiny();
    Session session(tiny(), small_session());
    Sampler sampler(tiny(), {.temperature = 0});
    Speculation speculation(session, small_session(), how);
    run_out_of_memory([&] { return write(session, sampler, &speculation); },
                      [&] { expect_consistent(session); });
    run_out_of_memory(
        [&] {
          const Speculation made(session, small_session(), how);
          return 0;
        },
        kNothing);
  }
}

TEST_F(OutOfMemoryWriting, TakesBackNoMoreThanWasFed) {
  Session session(tiny(), small_session());
  SpeculationOptions how;
  how.adapt = false;
  Speculation speculation(session, small_session(), how);
  session.feed(prompt_);
  bool failed = true;
  for (std::size_t n = 0; failed; ++n) {
    session.rewind(int(prompt_.size()));
    int fed = int(prompt_.size());
    {
      Verifier text(session, &speculation);
      const FailingAllocation failure(n);
      try {
        for (; fed < 3 * int(prompt_.size()); ++fed) text.feed(prompt_[std::size_t(fed) % prompt_.size()], 9);
      } catch (const Error& e) { EXPECT_EQ(e.code(), Errc::no_memory); } catch (const std::bad_alloc&) {
      }
      failed = failure.failed();
    }
    EXPECT_EQ(session.size(), fed) << n;
  }
}

// A sampler that failed draws what it would have drawn.
TEST(OutOfMemory, Sampling) {
  SamplerOptions options;
  options.seed = 5;
  options.repeat_penalty = 1.3f;
  options.penalty_last_n = 4;
  options.dry_multiplier = 0.8f;
  options.xtc_probability = 0.5f;
  options.logit_bias = {{7, 1.0f}};
  for (const char* const grammar : {"", "root ::= ([a-z] [0-9]?)* \".\""}) {
    for (const int mirostat : {0, 2}) {
      options.grammar = grammar;
      options.mirostat = mirostat;
      run_out_of_memory(
          [&] {
            const Sampler sampler(tiny(), options);
            return sampler.seed();
          },
          kNothing);
      Session session(tiny(), small_session());
      const std::vector<float> logits = copy_of(session.feed(some_tokens(5)));
      Sampler whole(tiny(), options);
      std::vector<Token> expected;
      for (int i = 0; i < 40; ++i) {
        if (i % 8 == 0) whole.accept(some_tokens(6, unsigned(i)));
        expected.push_back(whole.pick(std::span(logits).first(300)));
      }
      // Each pick fails at each of its allocations before it succeeds.
      Sampler sampler(tiny(), options);
      std::vector<Token> drawn;
      const auto insist = [&](const auto& act) {
        for (std::size_t n = 0;; ++n) {
          ASSERT_LT(n, 10'000U);
          const FailingAllocation failure(n);
          try {
            act();
            return;
          } catch (const Error&) {}
        }
      };
      for (int i = 0; i < 40; ++i) {
        const std::vector<Token> more = some_tokens(6, unsigned(i));
        if (i % 8 == 0) insist([&] { sampler.accept(more); });
        Token token = -1;
        insist([&] { token = sampler.pick(std::span(logits).first(300)); });
        drawn.push_back(token);
      }
      EXPECT_EQ(drawn, expected) << grammar << " " << mirostat;
    }
  }
}

TEST(OutOfMemory, Chats) {
  const Tokenizer& tokenizer = model_data(tiny()).tokenizer;
  ChatSource source = chat_source(tokenizer.vocab());
  source.template_text =
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "<|im_start|>{{ m.role|upper }} {{ ns.n }}\n{{ m['content'].strip().split(' ')|join('_') }}<|im_end|>\n"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  run_out_of_memory(
      [&] {
        return translate_memory_errors([&] {
          const ChatFormat format(source);
          return std::pair(format.is_fallback(), format.accepts_system());
        });
      },
      kNothing);
  const ChatFormat format(source);
  const auto answer_of = [&](const char* text) {
    return ChatAnswerText{text, "", tokenizer.encode(text, {.add_special = false}), false};
  };
  // Three turns; each step is taken again until there is memory for it.
  std::vector<Token> expected;
  const auto talk = [&](const auto& attempt) {
    Conversation chat(format, tokenizer);
    chat.set_system("Be brief.");
    std::vector<Token> holds;
    for (int turn = 0; turn < 3; ++turn) {
      attempt([&] { chat.ask("question number " + std::to_string(turn)); });
      EXPECT_EQ(chat.turns().size(), std::size_t(turn) + 1);
      TurnPlan plan;
      attempt([&] { plan = chat.plan_turn(holds, 500, 10); });
      holds.resize(plan.rewind_to);
      holds.insert(holds.end(), plan.new_tokens.begin(), plan.new_tokens.end());
      ChatAnswerText answer = answer_of("abcdef said so");
      holds.insert(holds.end(), answer.tokens.begin(), answer.tokens.end());
      attempt([&] { chat.answer(answer); });
    }
    return holds;
  };
  expected = talk([](const auto& step) { step(); });
  std::size_t failures = 0;
  const std::vector<Token> made = talk([&](const auto& step) {
    for (std::size_t n = 0;; ++n, ++failures) {
      ASSERT_LT(n, 100'000U);
      const FailingAllocation failure(n);
      try {
        step();
        return;
      } catch (const std::bad_alloc&) {}
    }
  });
  EXPECT_EQ(made, expected);
  EXPECT_GT(failures, 500U);
  RecordProperty("failed_allocations", int(failures));
}

}  // namespace
}  // namespace longhand::test
