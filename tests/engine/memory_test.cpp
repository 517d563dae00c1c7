// Each memory against its definition in double precision, over texts long enough that rings go round and
// chunks, blocks and batches end in different places.
#include "engine/state/attention/attention_state.h"

#include "engine/state/attention/features.h"
#include "tests/engine/memory_rig.h"
#include "tests/support/error_code.h"

namespace longhand::test {
namespace {

TEST(MemoryDefinition, Full) {
  expect_definition({}, Text(kTokens, 0), [](int i, int j) { return Place{true, double(i), double(j)}; });
}

// Without a causal order, whole texts are asked at once.
TEST(MemoryDefinition, WholeTexts) {
  for (const int tokens : {1, 2, 511, 513, kTokens}) {
    for (const int window : {0, 1, 2, 12, 13, 700}) {
      const float slope = window == 12 ? 0.125f : 0;
      AttentionCore core;
      core.causal = false;
      core.window = window;
      const Text text(tokens, 0);
      const auto got = Rig({}, text, tokens, slope, core).run();
      const auto sees = [&](int i, int j) {
        return Place{window == 0 || std::abs(i - j) <= window / 2, double(i), double(j)};
      };
      for (std::size_t i = 0; i < got.size(); i += 97) {
        const auto want = definition(text, int(i), sees, slope);
        for (std::size_t d = 0; d < kValueDim; ++d)
          ASSERT_NEAR(got[i][d], want[d], 2e-5) << "token " << i << " of " << tokens << ", window " << window;
      }
    }
  }
}

TEST(MemoryDefinition, WindowWithSinks) {
  expect_definition({.memory = "window", .window = 150, .sinks = 5}, Text(kTokens, 0), [](int i, int j) {
    return Place{i - j < 150 || j < 5, double(i), double(j)};
  });
}

// Scores fall with the true distance in every part.
TEST(MemoryDefinition, DistancesInEveryPart) {
  for (const float slope : {0.003f, 0.5f}) {
    expect_definition(
        {}, Text(kTokens, 0),
        [](int i, int j) {
          return Place{true, double(i), double(j)};
        },
        slope);
    expect_definition(
        {.memory = "window", .window = 150, .sinks = 5}, Text(kTokens, 0),
        [](int i, int j) {
          return Place{i - j < 150 || j < 5, double(i), double(j)};
        },
        slope);
  }
}

TEST(MemoryDefinition, Rerope) {
  expect_definition({.memory = "rerope", .window = 150}, Text(kTokens, 0), [](int i, int j) {
    return i - j < 150 ? Place{true, double(i), double(j)} : Place{true, 150, 0};
  });
}

// As far as the model was trained everything is at its distance, with the sums of `full`.
TEST(MemoryDefinition, AutoIsFullAndThenRerope) {
  for (const int trained : {1, 400, 512, 1030, kTokens - 1}) {
    SCOPED_TRACE(trained);
    const AttentionOptions options{.memory = "auto", .window = 150};
    const Text text(kTokens, 0);
    expect_definition(
        options, text,
        [trained](int i, int j) {
          return i < trained || i - j < 150 ? Place{true, double(i), double(j)} : Place{true, 150, 0};
        },
        0, trained);
    auto got = Rig(options, text, 100, 0, {}, trained).run(), full = Rig({}, text, 100).run();
    got.resize(std::size_t(trained));
    full.resize(std::size_t(trained));
    EXPECT_EQ(got, full);
  }
}

TEST(MemoryDefinition, LeakyRerope) {
  expect_definition({.memory = "leaky-rerope", .window = 150, .leak = 4}, Text(kTokens, 0), [](int i, int j) {
    return i - j < 150 ? Place{true, double(i), double(j)} : Place{true, 150 + (i - j - 150) / 4.0, 0};
  });
}

// Keys the window has let go of stand at the far distance, sinks at most there.
Place block_place(int i, int j, int window, int sinks, int far) {
  const int exact = std::max(0, i / window - 1) * window;
  if (j >= exact || (j < sinks && i - j <= far)) return {true, double(i), double(j)};
  return {true, double(far), 0};
}

// Where there are as many codes as different keys, nothing is lost.
TEST(MemoryDefinition, LearnedCodesForEveryKeyAreExact) {
  expect_definition({.memory = "vq", .window = 50, .sinks = 3, .codes = 40}, Text(kTokens, 25),
                    [](int i, int j) { return block_place(i, j, 50, 3, 100); });
}

TEST(MemoryDefinition, WeightsAndScatterChangeNothingThen) {
  expect_definition({.memory = "vq",
                     .window = 50,
                     .sinks = 3,
                     .far = 140,
                     .codes = 40,
                     .weighted = true,
                     .second_order = true},
                    Text(kTokens, 25), [](int i, int j) { return block_place(i, j, 50, 3, 140); });
}

// Where a text outgrows what may be kept of it, what it is remembered by changes at one position, for queries
// of every batch.
TEST(MemoryDefinition, AutoEndsInASummary) {
  for (const int trained : {400, 5000}) {
    for (const int from : {600, 613}) {
      SCOPED_TRACE(testing::Message() << trained << ", " << from);
      expect_definition(
          {.memory = "auto", .summary_from = from, .window = 100, .sinks = 3, .codes = 40}, Text(kTokens, 25),
          [&](int i, int j) {
            if (i >= from) return block_place(i, j, 50, 3, 100);
            return i < trained || i - j < 100 ? Place{true, double(i), double(j)} : Place{true, 100, 0};
          },
          0, trained);
    }
  }
}

// With latent attention every memory keeps a value once, in its key.
TEST(MemoryDefinition, ValuesThatArePartOfKeys) {
  constexpr int kInKey = 6;
  const Text text(kTokens, 0, kInKey), repeating(kTokens, 25, kInKey);
  const auto at_distance = [](int i, int j) { return Place{true, double(i), double(j)}; };
  const auto blocks = [](int i, int j) { return block_place(i, j, 50, 3, 100); };
  expect_definition({}, text, at_distance);
  expect_definition({.memory = "window", .window = 150, .sinks = 5}, text, [](int i, int j) {
    return Place{i - j < 150 || j < 5, double(i), double(j)};
  });
  expect_definition({.memory = "rerope", .window = 150}, text, [](int i, int j) {
    return i - j < 150 ? Place{true, double(i), double(j)} : Place{true, 150, 0};
  });
  expect_definition({.memory = "vq", .window = 50, .sinks = 3, .codes = 40}, repeating, blocks);
  expect_definition({.memory = "vq", .window = 50, .sinks = 3, .codes = 9, .exact = 512},
                    Text(550, 0, kInKey), blocks);
}

TEST(MemoryPlan, AutoLeavesAloneWhatHasAWayOfItsOwn) {
  ModelConfig plain;
  plain.trained_context = plain.rope.original_context = 512;
  LayerShape layer;
  layer.heads = layer.kv_heads = 1;
  plain.layers = {layer, layer};
  const SessionOptions longer{.context = 1024, .attention = {.memory = "auto"}};
  const auto kind = [](const ModelConfig& config, const SessionOptions& options) {
    return plan_memory(config, options).kind->name;
  };
  EXPECT_EQ(kind(plain, longer), "auto");
  EXPECT_EQ(plan_memory(plain, longer).window, 128);
  ModelConfig by_one = plain;
  by_one.rope.rule = RopeScalingRule::linear;
  EXPECT_EQ(kind(by_one, longer), "auto") << "a factor of 1 rescales nothing";
  EXPECT_EQ(kind(plain, {.context = 512, .attention = {.memory = "auto"}}), "full");
  EXPECT_EQ(kind(plain, {.attention = {.memory = "auto"}}), "full");
  ModelConfig meant_for_more = plain;  // than it was trained on
  meant_for_more.trained_context = 2048;
  EXPECT_EQ(kind(meant_for_more, {.attention = {.memory = "auto"}}), "auto");
  EXPECT_EQ(plan_memory(meant_for_more, {.attention = {.memory = "auto"}}).all_near, 512);
  EXPECT_EQ(kind(meant_for_more, {.context = 512, .attention = {.memory = "auto"}}), "full");
  for (const RopeOptions& rope : {RopeOptions{.scaling = RopeScaling::yarn}, RopeOptions{.factor = 2},
                                  RopeOptions{.auto_factor = true}, RopeOptions{.base = 5e6f}}) {
    EXPECT_EQ(kind(plain, {.context = 1024, .rope = rope, .attention = {.memory = "auto"}}), "full");
  }
  const std::pair<const char*, void (*)(ModelConfig&)> kOwnWays[] = {
      {"scaled positions", [](ModelConfig& c) { c.rope.rule = RopeScalingRule::yarn; }},
      {"a window", [](ModelConfig& c) { c.layers[1].window = 64; }},
      {"a layer without rotation", [](ModelConfig& c) { c.layers[1].rope = false; }},
      {"a recurrent layer", [](ModelConfig& c) { c.layers[1].mixer = Mixer::mamba; }},
      {"a rule of sharpness", [](ModelConfig& c) { c.attention.scale_rule = ScaleRule::log_n; }},
      {"a temperature", [](ModelConfig& c) { c.temperature_scale = 0.1f; }},
      {"ALiBi", [](ModelConfig& c) { c.alibi = 8; }},
      {"an indexer", [](ModelConfig& c) { c.indexer.top = 64; }},
      {"no causal order", [](ModelConfig& c) { c.causal = false; }},
  };
  for (const auto& [way, change] : kOwnWays) {
    ModelConfig config = plain;
    change(config);
    EXPECT_EQ(kind(config, longer), "full") << way;
  }
  EXPECT_EQ(
      code_of([&] { plan_memory(plain, {.context = 512, .attention = {.memory = "auto", .window = 9}}); }),
      Errc::range)
      << "no window where there is none";
  ModelConfig stated = plain;
  stated.attention.memory = "window";
  EXPECT_EQ(kind(stated, longer), "window");
}

TEST(MemoryPlan, TheLeakKeepsTheWholeContextInReach) {
  ModelConfig config;
  config.trained_context = config.rope.original_context = 512;
  const auto leak = [&](const AttentionOptions& options, int context) {
    return plan_memory(config, {.context = context, .attention = options}).leak;
  };
  EXPECT_EQ(leak({.memory = "leaky-rerope", .window = 256}, 0), 8);
  EXPECT_EQ(leak({.memory = "leaky-rerope", .window = 256}, 1024), 8) << "less would win nothing";
  EXPECT_EQ(leak({.memory = "leaky-rerope", .window = 256}, 4096), 15) << "(4096 - 256) / (512 - 256)";
  EXPECT_EQ(leak({.memory = "leaky-rerope", .window = 512}, 4096), 8) << "no room is left";
  EXPECT_EQ(leak({.memory = "leaky-rerope", .window = 256, .leak = 3}, 4096), 3);
}

// However few codes there are, tokens read exactly are exact.
TEST(MemoryDefinition, ReadingEveryGroupExactlyIsExact) {
  expect_definition({.memory = "vq", .window = 40, .sinks = 2, .codes = 9, .exact = 512}, Text(550, 0),
                    [](int i, int j) { return block_place(i, j, 40, 2, 80); });
}

// The better the codes, the closer to the definition.
double error_of(const AttentionOptions& options) {
  const Text text(900, 0);
  const auto got = Rig(options, text, 64).run();
  double sum = 0;
  for (std::size_t i = 500; i < got.size(); i += 7) {
    const auto want = definition(text, int(i), [&](int a, int b) {
      return b <= a ? block_place(a, b, 32, 0, 64) : Place{false, 0, 0};
    });
    for (std::size_t d = 0; d < kValueDim; ++d) sum += std::pow(double(got[i][d]) - want[d], 2);
  }
  return sum;
}

TEST(LearnedCodes, MoreOfEverythingHelps) {
  const double few = error_of({.memory = "vq", .window = 32, .sinks = 0, .codes = 4});
  EXPECT_LT(error_of({.memory = "vq", .window = 32, .sinks = 0, .codes = 128}), 0.8 * few);
  // These keys are scattered alike in all directions, where the second order has least to say: 7 % measured.
  EXPECT_LT(error_of({.memory = "vq", .window = 32, .sinks = 0, .codes = 4, .second_order = true}), few);
  EXPECT_LT(error_of({.memory = "vq", .window = 32, .sinks = 0, .codes = 32, .exact = 200}),
            0.8 * error_of({.memory = "vq", .window = 32, .sinks = 0, .codes = 32}));
}

TEST(MemoryDefinition, PerformerSumsItsFeatures) {
  constexpr int kWindow = 50, kSinks = 3, kFar = 100, kFeatures = 40;
  const Text text(700, 0);
  const auto features = orthogonal_features(kFeatures, kDim, 0);
  const auto got =
      Rig({.memory = "performer", .window = kWindow, .sinks = kSinks, .features = kFeatures}, text, 64).run();
  const auto phi = [&](const std::vector<double>& y) {
    std::vector<double> p;
    double norm = 0;
    for (const double x : y) norm += x * x;
    for (int f = 0; f < kFeatures; ++f) {
      double dot = 0;
      for (std::size_t d = 0; d < kDim; ++d) dot += double(features[std::size_t(f * kDim) + d]) * y[d];
      p.push_back(std::exp(dot - norm / 2) / std::sqrt(kFeatures));
    }
    return p;
  };
  const auto scaled = [](std::vector<double> x) {
    for (double& y : x) y *= std::sqrt(double(kScale));
    return x;
  };
  for (int i = 3; i < 700; i += 23) {
    const int exact = std::max(0, i / kWindow - 1) * kWindow;
    std::vector<double> out(kValueDim);
    double sum = 0;
    for (int j = 0; j <= i; ++j) {
      const auto& k = text.k[std::size_t(j)];
      double e = 0;
      if (j >= exact || j < kSinks) {
        const bool near = j >= exact || i - j <= kFar;
        const auto a = turned(text.q[std::size_t(i)], near ? i : kFar), b = turned(k, near ? j : 0);
        for (std::size_t d = 0; d < kDim; ++d) e += a[d] * b[d] * double(kScale);
        e = std::exp(e);
      } else {
        const auto a = phi(scaled(turned(text.q[std::size_t(i)], kFar))), b = phi(scaled(turned(k, 0)));
        for (std::size_t f = 0; f < kFeatures; ++f) e += a[f] * b[f];
      }
      sum += e;
      for (std::size_t d = 0; d < kValueDim; ++d) out[d] += e * double(text.v[std::size_t(j)][d]);
    }
    for (std::size_t d = 0; d < kValueDim; ++d)
      ASSERT_NEAR(got[std::size_t(i)][d], out[d] / sum, 1e-4) << "token " << i;
  }
}

}  // namespace
}  // namespace longhand::test
