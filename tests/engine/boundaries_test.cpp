// Every number of the interface at the ends of its range and beyond, texts of every size, and weights that
// are no numbers: an error or a result, never anything else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr int kInts[] = {INT_MIN, INT_MIN + 1, -2,  -1,      0,       1,           2,      3,
                         127,     128,         129, 1 << 20, 1 << 30, INT_MAX - 1, INT_MAX};
constexpr float kInf = std::numeric_limits<float>::infinity();
const float kFloats[] = {-kInf, -3e38f, -1,   -1e-45f, 0,     1e-45f, 1e-30f,       0.5f,
                         1,     1.5f,   1e6f, 1e30f,   3e38f, kInf,   std::nanf("")};

// What f() says: "" where it works.
std::string complaint(const std::function<void()>& f, const std::vector<Errc>& allowed) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_THAT(allowed, testing::Contains(error.code())) << error.what();
    EXPECT_LE(std::string(error.what()).size(), 500U);
    return error.what();
  }
  return {};
}

void use(const SessionOptions& options) {
  complaint(
      [&] {
        Session session(tiny(), options);
        const std::vector<Token> tokens = some_tokens(std::min(session.context(), 40));
        const auto logits = session.feed(tokens);
        EXPECT_EQ(logits.size(), 300U);
        session.rewind(1);
      },
      {Errc::range, Errc::no_memory, Errc::unsupported});
}

TEST(Boundaries, NumbersOfASession) {
  int SessionOptions::*const own[] = {&SessionOptions::context, &SessionOptions::threads,
                                      &SessionOptions::prefill_threads, &SessionOptions::batch};
  int AttentionOptions::*const attention[] = {&AttentionOptions::window,      &AttentionOptions::sinks,
                                              &AttentionOptions::far,         &AttentionOptions::codes,
                                              &AttentionOptions::exact,       &AttentionOptions::features,
                                              &AttentionOptions::checkpoints, &AttentionOptions::log_n};
  float RopeOptions::*const rope[] = {&RopeOptions::factor, &RopeOptions::base, &RopeOptions::yarn_beta_fast,
                                      &RopeOptions::yarn_beta_slow, &RopeOptions::yarn_ext_factor};
  for (const NamedMemory& memory : small_memories()) {
    SCOPED_TRACE(memory.name);
    const SessionOptions good = small_session(memory.attention);
    const auto with = [&](const auto& change) {
      SessionOptions options = good;
      change(options);
      use(options);
    };
    for (const int value : kInts) {
      SCOPED_TRACE(value);
      for (const auto member : attention) with([&](SessionOptions& o) { o.attention.*member = value; });
      if (memory.attention.memory.empty() || memory.attention.memory == "vq") {
        for (const auto member : own) {
          // As many threads as are allowed would be started.
          const bool counts_threads = member == own[1] || member == own[2];
          if (counts_threads && value > 8 && value <= 256) continue;
          with([&](SessionOptions& o) { o.*member = value; });
        }
      }
    }
    for (const float value : kFloats) with([&](SessionOptions& o) { o.attention.leak = value; });
  }
  for (const RopeScaling scaling : {RopeScaling::from_file, RopeScaling::linear, RopeScaling::ntk,
                                    RopeScaling::ntk_mixed, RopeScaling::yarn}) {
    SessionOptions options = small_session();
    options.rope.scaling = scaling;
    for (const auto member : rope) {
      for (const float value : kFloats) {
        SCOPED_TRACE(value);
        SessionOptions other = options;
        other.rope.*member = value;
        use(other);
      }
    }
    for (const int value : kInts) {
      SessionOptions other = options;
      other.rope.original_context = value;
      use(other);
    }
  }
}

TEST(Boundaries, NumbersOfASampler) {
  Session session(tiny(), small_session());
  const std::vector<float> logits = copy_of(session.feed(some_tokens(5)));
  float SamplerOptions::*const floats[] = {&SamplerOptions::temperature,
                                           &SamplerOptions::dynatemp_range,
                                           &SamplerOptions::dynatemp_exponent,
                                           &SamplerOptions::top_p,
                                           &SamplerOptions::min_p,
                                           &SamplerOptions::typical_p,
                                           &SamplerOptions::top_n_sigma,
                                           &SamplerOptions::xtc_probability,
                                           &SamplerOptions::xtc_threshold,
                                           &SamplerOptions::repeat_penalty,
                                           &SamplerOptions::frequency_penalty,
                                           &SamplerOptions::presence_penalty,
                                           &SamplerOptions::dry_multiplier,
                                           &SamplerOptions::dry_base,
                                           &SamplerOptions::mirostat_tau,
                                           &SamplerOptions::mirostat_eta};
  int SamplerOptions::*const ints[] = {&SamplerOptions::top_k,
                                       &SamplerOptions::min_keep,
                                       &SamplerOptions::penalty_last_n,
                                       &SamplerOptions::dry_allowed_length,
                                       &SamplerOptions::dry_penalty_last_n,
                                       &SamplerOptions::mirostat};
  const auto draw = [&](const SamplerOptions& options) {
    complaint(
        [&] {
          Sampler sampler(tiny(), options);
          sampler.accept(some_tokens(30));
          for (int i = 0; i < 4; ++i) {
            const Token token = sampler.pick(std::span(logits).first(300));
            EXPECT_TRUE(token >= 0 && token < 300) << token;
          }
        },
        {Errc::range, Errc::nonfinite});
  };
  for (const int mirostat : {0, 1, 2}) {
    SamplerOptions good;
    good.seed = 1;
    good.mirostat = mirostat;
    good.repeat_penalty = 1.1f;
    good.dry_multiplier = 0.5f;
    good.xtc_probability = 0.5f;
    for (const auto member : floats) {
      for (const float value : kFloats) {
        SamplerOptions options = good;
        options.*member = value;
        draw(options);
      }
    }
    for (const auto member : ints) {
      for (const int value : kInts) {
        SamplerOptions options = good;
        options.*member = value;
        draw(options);
      }
    }
    for (const float value : kFloats) {
      for (const int token : {INT_MIN, -1, 0, 299, 300, INT_MAX}) {
        SamplerOptions options = good;
        options.logit_bias = {{token, value}};
        draw(options);
      }
    }
  }
}

TEST(Boundaries, NumbersOfCalls) {
  Session session(tiny(), small_session());
  session.feed(some_tokens(10));
  const std::vector<float> before = copy_of(session.logits(9));
  for (const int value : kInts) {
    SCOPED_TRACE(value);
    LoadOptions loading;
    loading.threads = value > 8 && value <= 256 ? 1 : value;
    complaint([&] { Model::load(tiny_path(), loading); }, {Errc::range});
    EXPECT_GE(session.rewind_cost(value), 0);
    EXPECT_FALSE(tiny().ends_generation(value));
    if (value < 0 || value > 10) {
      EXPECT_EQ(code_of([&] { session.rewind(value); }), Errc::range);
      EXPECT_EQ(code_of([&] { session.logits(value); }), Errc::range);
    }
    if (value < 0 || value >= 300) {
      EXPECT_EQ(code_of([&] { session.feed(std::vector<Token>{value}); }), Errc::range);
    }
    SpeculationOptions guessing;
    guessing.most = value;
    complaint([&] { Speculation(session, small_session(), guessing); }, {Errc::range});
  }
  EXPECT_EQ(copy_of(session.logits(9)), before);
  for (const int most : kInts) {
    Session text(tiny(), small_session());
    Sampler sampler(tiny(), {.temperature = 0, .ignore_eos = true});
    const GenerateResult result = generate(text, some_tokens(100), sampler, {.max_tokens = most});
    EXPECT_LE(result.tokens.size(), most < 0 ? 29U : std::size_t(most)) << most;
  }
}

TEST(Boundaries, SizesOfAPrompt) {
  const int context = 128;
  for (const NamedMemory& memory : small_memories()) {
    for (const int size : {0, 1, 2, context - 1, context, context + 1, 1'000'000}) {
      SCOPED_TRACE(std::string(memory.name) + " " + std::to_string(size));
      Session session(tiny(), small_session(memory.attention));
      const std::vector<Token> tokens = some_tokens(size);
      if (size == 0 || size > context) {
        EXPECT_EQ(code_of([&] { session.feed(tokens); }), size == 0 ? Errc::range : Errc::context_full);
        EXPECT_EQ(session.size(), 0);
        session.feed(some_tokens(3));
      } else {
        session.feed(tokens);
        EXPECT_EQ(session.size(), size);
      }
    }
  }
}

TEST(Boundaries, TenMegabytesOfTextAreRefusedInTime) {
  const auto start = std::chrono::steady_clock::now();
  std::string text;
  while (text.size() < 10'000'000) text += "What is it? abcd 12345\n";
  Session session(tiny(), small_session());
  EXPECT_EQ(code_of([&] { session.feed(tiny().encode(text)); }), Errc::context_full);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("milliseconds", int(1000 * seconds));
  EXPECT_LT(seconds, 30);  // 5 on a machine that does nothing else
  EXPECT_TRUE(tiny().encode("", false).empty());
  EXPECT_EQ(code_of([&] { session.feed(tiny().encode("", false)); }), Errc::range);
}

// Processor time, so that other programs on the machine do not matter. Sixteen times the text must not take
// 256 times as long.
TEST(Boundaries, SixteenMegabytesOfTextAreEncodedInLinearTime) {
  const auto seconds = [](const std::string& text) {
    const std::clock_t start = std::clock();
    EXPECT_GE(tiny().encode(text).size(), text.size() / 8);
    return double(std::clock() - start) / CLOCKS_PER_SEC;
  };
  for (const std::string piece : {"What is it? abcd 12345\n", "a", "\xE6\xBC\xA2"}) {
    std::string text;
    while (text.size() < std::size_t{1} << 24) text += piece;
    const double one = seconds(text.substr(0, text.size() / 16)), sixteen = seconds(text);
    EXPECT_LT(sixteen, 64 * std::max(one, 0.02)) << piece << ": one megabyte takes " << one;
  }
}

// One block of one tensor is spoilt; every tensor, every way, under memories that compare and sort.
TEST(Boundaries, WeightsThatAreNoNumbers) {
  const TempDir dir;
  const std::string path = dir.file("poisoned.gguf");
  const std::vector<Token> text = some_tokens(40);
  int models = 0;
  const GgufWriter good = tiny_llama();
  for (std::size_t i = 0; i < good.tensors.size(); ++i) {
    for (const char* half : {"\xFF\x7F", "\x00\x7C", "\x00\xFC"}) {  // NaN, infinity and its negative
      GgufWriter writer = tiny_llama();
      std::string& data = writer.tensors[i].data;
      if (writer.tensors[i].type == 8)
        data.replace(0, 2, half, 2);  // the scale of a Q8_0 block
      else
        data.replace(
            0, 4,
            std::string("\0\0", 2) + (half[0] == 0 ? (half[1] < 0 ? "\x80\xFF" : "\x80\x7F") : "\xC0\x7F"));
      writer.write(path);
      const Model model = Model::load(path, one_thread());
      ++models;
      for (const NamedMemory& memory : small_memories()) {
        SCOPED_TRACE(writer.tensors[i].name + " " + memory.name);
        Session session(model, small_session(memory.attention));
        session.feed(text);
        Sampler sampler(model, {.seed = 1});
        complaint([&] { generate(session, {}, sampler, {.max_tokens = 5}); }, {Errc::nonfinite});
        EXPECT_GE(session.size(), 40);
        session.rewind(20);
        session.feed(text);  // the chat goes on
        session.save_state(dir.file("state"));
        complaint([&] { session.restore_state(dir.file("state")); }, {Errc::corrupt});
        EXPECT_EQ(session.size(), 60);
      }
    }
  }
  RecordProperty("models", models);
  EXPECT_GE(models, 60);
}

}  // namespace
}  // namespace longhand::test
