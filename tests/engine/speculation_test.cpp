// Guesses change how fast a text comes, never the text: not its tokens, not what is streamed, not what the
// session and the sampler are left with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "engine/longhand.h"
#include "tests/support/speculating.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::draft;
using test::expect_same;
using test::lookup;
using test::Outcome;
using test::write;
using testing::HasSubstr;
using Case = test::SpeculationCase;

// Random weights of a seed: the matrices of the tiny model in another order of bytes.
test::GgufWriter tiny(unsigned seed) {
  test::GgufWriter w = test::tiny_llama();
  std::mt19937 random(seed);
  for (auto& t : w.tensors) {
    if (t.dims.size() < 2 || seed == 0) continue;
    for (std::size_t i = 0; i < t.data.size(); ++i)
      if (i % 34 >= 2) t.data[i] = char(int(random() % 255) - 127);  // not the scales
  }
  return w;
}

Model load(const test::GgufWriter& writer) {
  const test::TempDir dir;
  writer.write(dir.file("model.gguf"));
  return Model::load(dir.file("model.gguf"));
}
const Model& tiny_model(unsigned seed) {
  static const Model models[] = {load(tiny(0)), load(tiny(1)), load(tiny(2))};
  return models[seed];
}

const Model& guide() {
  static const Model m = Model::load(std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf");
  return m;
}

std::vector<Token> repetitive(const Model& m) { return m.encode("abc dab abc dab abc dab xyz abc dab abc"); }

std::vector<SamplerOptions> samplers() {
  std::vector<SamplerOptions> all = {{.temperature = 0}, {.temperature = 0.2f}, {.temperature = 1.0f}};
  all.push_back({.temperature = 0.3f, .penalty_last_n = -1, .repeat_penalty = 1.1f});
  all.push_back({.temperature = 0, .penalty_last_n = 8, .frequency_penalty = 0.1f, .presence_penalty = 0.1f});
  all.push_back({.temperature = 0.5f, .xtc_probability = 0.5f, .xtc_threshold = 0.05f});
  all.push_back({.temperature = 0.4f, .dry_multiplier = 0.8f, .dry_breakers = {}});
  all.push_back({.temperature = 0.7f, .mirostat = 1, .mirostat_tau = 2});
  all.push_back({.temperature = 0.7f, .mirostat = 2, .mirostat_tau = 2});
  all.push_back({.temperature = 0.5f, .grammar = "root ::= (\"ab\" [a-d] \" \")+"});
  return all;
}

TEST(Speculation, EverySamplerDrawsTheSameTokens) {
  int right = 0, wrong = 0;
  for (const unsigned model : {0u, 1u, 2u}) {
    for (const SamplerOptions& sampler : samplers()) {
      for (const std::uint32_t seed : {1u, 2u}) {
        Case c;
        c.sampler = sampler;
        c.sampler.seed = seed;
        const Model& m = tiny_model(model);
        for (const auto& how : {lookup(1), lookup(15), draft(tiny_model((model + 1) % 3)), draft(m)}) {
          SCOPED_TRACE(testing::Message()
                       << "model " << model << " sampler " << &sampler - &sampler << " temperature "
                       << sampler.temperature << " mirostat " << sampler.mirostat << " grammar "
                       << sampler.grammar << " guesses " << how.most);
          const Outcome o = expect_same(m, repetitive(m), c, how);
          right += o.right;
          wrong += o.guesses - o.right;
        }
      }
    }
  }
  EXPECT_GT(right, 500);
  EXPECT_GT(wrong, 500);
}

TEST(Speculation, EveryMemoryAndCacheGivesTheSameTokens) {
  int right = 0;
  for (const char* memory : {"full", "window", "rerope", "leaky-rerope", "auto", "vq", "performer"}) {
    for (const int batch : {1, 4, 512}) {
      for (const CacheType type : {CacheType::f32, CacheType::f16}) {
        SCOPED_TRACE(testing::Message() << memory << " batch " << batch << " cache " << int(type));
        Case c;
        c.session.context = 2000;
        c.session.batch = batch;
        c.session.key_cache = c.session.value_cache = type;
        c.session.attention.memory = memory;
        if (std::string(memory) != "full") c.session.attention.window = 24;
        c.generate.max_tokens = 200;
        c.sampler.ignore_eos = true;
        const Outcome o = expect_same(tiny_model(1), repetitive(tiny_model(1)), c, lookup(15));
        right += o.right;
        if (batch == 1) { EXPECT_EQ(o.guesses, 0) << "nothing could be taken back"; }
        if (batch == 512) expect_same(tiny_model(1), repetitive(tiny_model(1)), c, draft(tiny_model(1)));
      }
    }
  }
  EXPECT_GT(right, 200);
}

TEST(Speculation, RepeatedTextTakesFewerFeeds) {
  const Model& m = tiny_model(0);
  Case c;
  c.sampler.ignore_eos = true;
  c.sampler.grammar = "root ::= (\"abc dab xyz \")+";
  c.generate.max_tokens = 80;
  const Outcome o = expect_same(m, repetitive(m), c, lookup());
  EXPECT_EQ(o.tokens.size(), 80u);
  EXPECT_EQ(o.feeds + o.right, 80);
  EXPECT_LT(o.feeds, 30);
}

TEST(Speculation, AModelIsItsOwnBestDraft) {
  const Model& m = tiny_model(2);
  Case c;
  c.session = {.context = 128};  // the draft's caches are of the default type
  c.sampler.ignore_eos = true;
  c.generate.max_tokens = 61;
  const Outcome o = expect_same(m, repetitive(m), c, draft(m, 4));
  EXPECT_EQ(o.right, o.guesses);
  // The first token comes while the draft reads the prompt; guesses that would end the text shorten a batch.
  EXPECT_LE(o.feeds, 1 + 60 / 5 + 2);
}

TEST(Speculation, LongPromptsReachTheDraftInPieces) {
  const Model& m = tiny_model(2);
  Case c;
  c.session = {.context = 1000};
  c.sampler.ignore_eos = true;
  std::vector<Token> prompt(700);
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = Token(i * i % 250);
  const Outcome o = expect_same(m, prompt, c, draft(m, 4));
  EXPECT_EQ(o.right, 0) << "the draft was made for a context of 128";
  test::GgufWriter w = tiny(2);
  test::entry(w, "llama.context_length") = gguf_entry("llama.context_length", std::uint32_t{1000});
  const Model longer = load(w);
  const Outcome far = expect_same(longer, prompt, c, draft(longer, 4));
  EXPECT_EQ(far.right, far.guesses);
  EXPECT_GT(far.right, 30);
}

TEST(Speculation, TextsEndWhereTheyWould) {
  const Model& m = tiny_model(0);
  Case whole;
  whole.sampler.ignore_eos = true;
  whole.generate.max_tokens = 80;
  const Outcome all = expect_same(m, repetitive(m), whole, lookup());
  for (const auto& how : {lookup(15), draft(m, 9)}) {
    for (int n = 0; n < 40; ++n) {
      SCOPED_TRACE(n);
      Case most = whole;
      most.generate.max_tokens = n;
      EXPECT_EQ(expect_same(m, repetitive(m), most, how).tokens.size(), std::size_t(n));

      Case stop = whole;
      const std::string piece = m.piece(all.tokens[std::size_t(n)]) + m.piece(all.tokens[std::size_t(n + 1)]);
      stop.generate.stop = {piece, "not there"};
      expect_same(m, repetitive(m), stop, how);

      Case callback = whole;
      callback.calls = n + 1;
      expect_same(m, repetitive(m), callback, how);

      Case full = whole;
      full.session.context = int(repetitive(m).size()) + n;
      full.generate.max_tokens = -1;
      EXPECT_EQ(expect_same(m, repetitive(m), full, how).reason, StopReason::context_full);

      // Each token in turn made one that ends the text.
      Case bias = whole;
      bias.sampler.ignore_eos = false;
      bias.sampler.logit_bias = {{299, -2.0f + 0.1f * float(n)}};
      expect_same(m, repetitive(m), bias, how);
    }
  }
}

TEST(Speculation, CancelledTextsKeepWhatWasFed) {
  const Model& m = tiny_model(0);
  const SessionOptions options = {.context = 128};
  Session session(m, options);
  Sampler sampler(m, {.temperature = 0, .ignore_eos = true});
  Speculation speculation(session, options, lookup());
  int calls = 0;
  const auto prompt = repetitive(m);
  const GenerateResult r =
      generate(session, prompt, sampler, {.max_tokens = 60, .speculation = &speculation}, [&](auto) {
        if (++calls == 20) session.cancel();
        return true;
      });
  EXPECT_EQ(r.reason, StopReason::cancelled);
  ASSERT_LT(r.tokens.size(), 60u);
  // All but the last token, which was about to be fed.
  std::vector<Token> want = prompt;
  want.insert(want.end(), r.tokens.begin(), r.tokens.end() - 1);
  EXPECT_EQ(std::vector<Token>(session.tokens().begin(), session.tokens().end()), want);
  session.clear_cancel();
  EXPECT_FALSE(session.logits(session.size() - 1).empty());
}

TEST(Speculation, ErrorsLeaveNoGuessesBehind) {
  const Model& m = tiny_model(0);
  const SessionOptions options = {.context = 128};
  const auto held = [&](bool guess) {
    Session session(m, options);
    Sampler sampler(m, {.temperature = 0, .ignore_eos = true});
    Speculation speculation(session, options, lookup());
    int calls = 0;
    const auto fail = [&](std::string_view) -> bool {
      if (++calls == 20) throw Error(Errc::range, "enough");
      return true;
    };
    EXPECT_THROW(generate(session, repetitive(m), sampler,
                          {.max_tokens = 60, .speculation = guess ? &speculation : nullptr}, fail),
                 Error);
    return std::vector<Token>(session.tokens().begin(), session.tokens().end());
  };
  EXPECT_EQ(held(true), held(false));
}

// Where a turn began, one can go back to for nothing, however much was guessed since.
TEST(Speculation, GuessesDisplaceNoCheckpoint) {
  const Model& m = tiny_model(0);
  SessionOptions options = {.context = 1000};
  options.attention.memory = "performer";
  options.attention.window = 24;
  options.attention.checkpoints = 2;
  Session session(m, options);
  Speculation speculation(session, options, lookup(15));
  Sampler sampler(m, {.temperature = 0, .ignore_eos = true, .grammar = "root ::= (\"abc dab xyz \")+"});
  std::vector<int> turns;
  GenerateResult r;
  for (int turn = 0; turn < 2; ++turn) {
    turns.push_back(session.size());
    r = generate(session, repetitive(m), sampler, {.max_tokens = 200, .speculation = &speculation});
    EXPECT_GT(r.right_guesses, 100);
  }
  EXPECT_EQ(session.rewind_cost(turns[1]), 0);
  EXPECT_EQ(session.rewind_cost(turns[1] + 40), 40);
}

// The session holds more than the text while it is handed over.
TEST(Speculation, CallbacksMustNotUseTheSession) {
  const Model& m = tiny_model(0);
  const SessionOptions options = {.context = 128};
  const test::TempDir dir;
  for (const bool guess : {false, true}) {
    Session session(m, options);
    Speculation speculation(session, options, lookup());
    const auto prompt = repetitive(m);
    const std::vector<std::function<void()>> uses = {
        [&] { session.rewind(0); },
        [&] { session.feed(prompt); },
        [&] { session.logits(0); },
        [&] { session.save_state(dir.file("state")); },
        [&] {
          Sampler other(m, {.temperature = 0});
          generate(session, prompt, other, {.max_tokens = 1});
        },
    };
    int refused = 0, read = 0;
    const auto try_all = [&](std::string_view) {
      for (const auto& use : uses) {
        try {
          use();
        } catch (const Error& e) { refused += e.code() == Errc::busy; }
      }
      read += session.size() >= int(prompt.size()) && session.tokens()[0] == prompt[0];
      return true;
    };
    Sampler sampler(m, {.temperature = 0, .ignore_eos = true});
    const GenerateOptions how = {.max_tokens = 30, .speculation = guess ? &speculation : nullptr};
    generate(session, prompt, sampler, how, try_all);
    EXPECT_GT(read, 10);
    EXPECT_EQ(refused, read * int(uses.size()));
    session.rewind(4);  // now it may be used
    // An exception out of a callback ends the text like any other.
    EXPECT_THROW(generate(session, prompt, sampler, how,
                          [&](std::string_view) {
                            session.rewind(0);
                            return true;
                          }),
                 Error);
    EXPECT_GT(session.size(), int(prompt.size()));
    session.rewind(0);
  }
}

TEST(Speculation, PacesItselfWithoutChangingTheText) {
  for (const unsigned model : {0u, 1u}) {
    const Model& m = tiny_model(model);
    Case c;
    c.session.context = 1000;
    c.sampler.temperature = 1;
    c.sampler.ignore_eos = true;
    c.generate.max_tokens = 600;
    expect_same(m, repetitive(m), c, {});
    expect_same(m, repetitive(m), c, {.draft = tiny_model(2)});
  }
}

TEST(Speculation, TheModelThatComesWithTheProgram) {
  const auto prompt = guide().encode(
      "<|im_start|>user\nWhat is the KV cache?<|im_end|>\n<|im_start|>assistant\nThe KV cache keeps the keys "
      "and "
      "values of earlier tokens, so that each new token needs only one "
      "pass.<|im_end|>\n<|im_start|>user\nWhat is "
      "the KV cache?<|im_end|>\n<|im_start|>assistant\n",
      true, true);
  for (const CacheType type :
       {CacheType::f32, CacheType::f16, CacheType::q8_0, CacheType::bf16, CacheType::q5_0}) {
    for (const float temperature : {0.0f, 0.8f}) {
      Case c;
      c.session = {.context = 512, .key_cache = type, .value_cache = type};
      c.sampler.temperature = temperature;
      c.generate.max_tokens = 100;
      const Outcome o = expect_same(guide(), prompt, c, lookup(15));
      if (temperature == 0) { EXPECT_GT(o.right, 10); }
    }
  }
}

void append(test::GgufWriter& w, const std::string& key, const std::string& element) {
  std::string& array = test::entry(w, key).value;
  std::uint64_t count = 0;
  std::memcpy(&count, array.data() + 4, sizeof count);
  array.replace(4, sizeof count, test::encode(count + 1));
  array += element;
}

// A target may have more tokens than its draft, all of them unused; no draft has anything to say of them.
TEST(Speculation, TokensUnknownToTheDraftAreNoTrouble) {
  test::GgufWriter w = tiny(2);
  append(w, "tokenizer.ggml.tokens", test::encode(std::string("<padding>")));
  append(w, "tokenizer.ggml.token_type", test::encode(std::int32_t{5}));
  auto& table = test::tensor(w, "token_embd.weight");
  table.data += table.data.substr(0, table.data.size() / 300);
  table.dims.back() = 301;
  const Model padded = load(w);
  const Token unknown = 300;
  for (const std::size_t from_end : {0u, 3u, 17u}) {
    Case c;
    c.sampler.ignore_eos = true;
    c.generate.max_tokens = 12;
    auto prompt = repetitive(padded);
    prompt.insert(prompt.end() - std::ptrdiff_t(from_end), unknown);
    EXPECT_EQ(expect_same(padded, prompt, c, draft(tiny_model(2))).guesses, 0);
  }
  Case drawn;
  drawn.sampler.ignore_eos = true;
  drawn.sampler.logit_bias = {{unknown, 1000.0f}};
  drawn.generate.max_tokens = 12;
  expect_same(padded, repetitive(padded), drawn, draft(tiny_model(2)));
  Case known;
  known.sampler.ignore_eos = true;
  EXPECT_GT(expect_same(padded, repetitive(padded), known, draft(tiny_model(2))).right, 20);
}

Error refusal(const Model& target, const Model& small) {
  Session session(target, {.context = 64});
  try {
    Speculation(session, {.context = 64}, {.draft = small});
  } catch (const Error& e) { return e; }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::corrupt, "");
}

TEST(Speculation, ForeignVocabulariesAreRefused) {
  const Error e = refusal(tiny_model(0), guide());
  EXPECT_EQ(e.code(), Errc::unsupported);
  EXPECT_THAT(e.what(), HasSubstr("vocabulary"));
}

TEST(Speculation, GuessesOutOfRangeAreRefused) {
  const Session session(tiny_model(0), {.context = 64});
  for (const int most : {-1, 64}) {
    try {
      Speculation(session, {.context = 64}, {.most = most});
      ADD_FAILURE() << most;
    } catch (const Error& e) { EXPECT_EQ(e.code(), Errc::range); }
  }
}

}  // namespace
}  // namespace longhand
