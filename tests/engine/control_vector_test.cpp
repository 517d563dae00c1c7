// Control vectors are added behind layers: what a bias of the layer's last matrix does, too.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/random_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using testing::HasSubstr;

constexpr int kHidden = 32, kLayers = 4;

test::RandomShape shape() { return {"llama", {{"block_count", kLayers}}, {}, {"ffn_down.bias"}}; }

// Directions of layers 1 to 3.
std::vector<std::vector<float>> random_directions(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw(0, 0.5f);
  std::vector<std::vector<float>> directions(kLayers);
  for (int il = 1; il < kLayers; ++il) {
    for (int i = 0; i < kHidden; ++i) directions[std::size_t(il)].push_back(draw(random));
  }
  return directions;
}

test::GgufWriter control_file(const std::vector<std::vector<float>>& directions) {
  test::GgufWriter w;
  w.add("general.architecture", "controlvector").add("controlvector.model_hint", "llama");
  for (std::size_t il = 1; il < directions.size(); ++il)
    w.tensor(fmt::format("direction.{}", il), {directions[il].size()}, directions[il]);
  return w;
}

SessionOptions exact() {
  SessionOptions o;
  o.context = 64;
  o.batch = 8;
  o.threads = 2;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

std::vector<float> all_logits(const Model& model, const SessionOptions& options) {
  Session session(model, options);
  std::vector<float> all;
  session.feed(test::some_tokens(30),
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

// The model with scale times the directions of layers first to last in the biases of ffn_down.
Model steered(const std::vector<std::vector<float>>& directions, double scale, int first, int last) {
  test::GgufWriter w = test::random_model(shape());
  for (int il = std::max(first, 1); il <= std::min(last, kLayers - 1); ++il) {
    const std::string name = fmt::format("blk.{}.ffn_down.bias", il);
    for (auto& t : w.tensors) {
      if (t.name != name) continue;
      for (std::size_t i = 0; i < kHidden; ++i) {
        float value = 0;
        std::memcpy(&value, t.data.data() + 4 * i, 4);
        value = float(double(value) + scale * double(directions[std::size_t(il)][i]));
        std::memcpy(t.data.data() + 4 * i, &value, 4);
      }
    }
  }
  return Model::load_memory(w.bytes());
}

TEST(ControlVector, IsAddedBehindItsLayers) {
  const Model model = Model::load_memory(test::random_model(shape()).bytes());
  const auto directions = random_directions(1);
  const ControlVector vector = ControlVector::load_memory(model, control_file(directions).bytes());
  const std::vector<float> plain = all_logits(model, exact());
  struct Range {
    int first, last;
  };
  for (const Range r : {Range{0, 100}, {1, 1}, {2, 3}, {3, 3}}) {
    SessionOptions with = exact();
    with.control_vectors = {{vector, 0.7f, r.first, r.last}};
    const std::vector<float> want = all_logits(steered(directions, double(0.7f), r.first, r.last), exact());
    EXPECT_LT(test::nmse(all_logits(model, with), want), 1e-11) << r.first << " to " << r.last;
    EXPECT_GT(test::nmse(plain, want), 1e-4);
  }
}

TEST(ControlVector, AddsUpWithOthers) {
  const Model model = Model::load_memory(test::random_model(shape()).bytes());
  const auto a = random_directions(1), b = random_directions(2);
  std::vector<std::vector<float>> both = a;
  for (std::size_t il = 1; il < both.size(); ++il) {
    for (std::size_t i = 0; i < kHidden; ++i) both[il][i] = float(double(a[il][i]) - 2 * double(b[il][i]));
  }
  SessionOptions with = exact();
  with.control_vectors = {{ControlVector::load_memory(model, control_file(a).bytes())},
                          {ControlVector::load_memory(model, control_file(b).bytes()), -2}};
  EXPECT_LT(test::nmse(all_logits(model, with), all_logits(steered(both, 1, 0, 9), exact())), 1e-11);
}

TEST(ControlVector, OfOneSessionLeavesOthersAsTheyAre) {
  const Model model = Model::load_memory(test::random_model(shape()).bytes());
  const ControlVector vector = ControlVector::load_memory(model, control_file(random_directions(1)).bytes());
  Runner runner(model, {.threads = 2, .batch = 16});
  Session plain(runner, exact()), steered(runner, exact());
  const std::vector<ControlUse> uses = {{vector, 1}};
  steered.set_adapters({}, uses);
  const auto tokens = test::some_tokens(9);
  std::vector<Runner::Feed> feeds = {{plain, tokens}, {steered, tokens}};
  runner.run(feeds);
  EXPECT_EQ(test::copy_of(plain.logits(8)), test::copy_of(Session(model, exact()).feed(tokens)));
  SessionOptions with = exact();
  with.control_vectors = uses;
  EXPECT_EQ(test::copy_of(steered.logits(8)), test::copy_of(Session(model, with).feed(tokens)));
  EXPECT_NE(test::copy_of(steered.logits(8)), test::copy_of(plain.logits(8)));
}

TEST(ControlVector, IsRefusedWhereItDoesNotFit) {
  const Model model = Model::load_memory(test::random_model(shape()).bytes());
  const auto refused = [&](const test::GgufWriter& w, Errc code, const char* message) {
    std::string said;
    const auto file = w.bytes();
    EXPECT_EQ(test::code_of([&] { ControlVector::load_memory(model, file); }, &said), code) << said;
    EXPECT_THAT(said, HasSubstr(message));
  };
  const test::GgufWriter right = control_file(random_directions(1));
  test::GgufWriter w = right;
  w.tensors[0].name = "direction.0";
  refused(w, Errc::range, "direction.0");
  w.tensors[0].name = "direction.4";
  refused(w, Errc::range, "direction.1 to direction.3");
  w.tensors[0].name = "direction.1x";
  refused(w, Errc::range, "direction.1x");
  w = right;
  w.tensors[0].dims = {16};
  w.tensors[0].data.resize(64);
  refused(w, Errc::shape, "16 values");
  w = right;
  w.entries[1] = gguf_entry("controlvector.model_hint", std::string("qwen3"));
  EXPECT_NO_THROW(ControlVector::load_memory(model, w.bytes()));
  w = right;
  w.tensors.clear();
  refused(w, Errc::missing, "direction");
  const ControlVector vector = ControlVector::load_memory(model, right.bytes());
  SessionOptions with = exact();
  with.control_vectors = {{vector, 1, 3, 2}};
  EXPECT_EQ(test::code_of([&] { Session(model, with); }), Errc::range);
}

// Models whose tokens have several streams get it in all of them; what else they compute stays finite.
class ControlledStreams : public test::GoldenModel {};

TEST_P(ControlledStreams, AreSteered) {
  const int hidden = model().info().hidden;
  test::GgufWriter w;
  std::vector<float> direction(std::size_t(hidden), 0.5f);
  for (std::size_t i = 0; i < direction.size(); i += 3) direction[i] = -1;
  w.tensor("direction.1", {std::uint64_t(hidden)}, direction);
  SessionOptions with = exact();
  with.control_vectors = {{ControlVector::load_memory(model(), w.bytes())}};
  const auto tokens = test::some_tokens(9);
  const double change = test::nmse(test::copy_of(Session(model(), with).feed(tokens)),
                                   test::copy_of(Session(model(), exact()).feed(tokens)));
  EXPECT_GT(change, 1e-6);
  EXPECT_LT(change, 100);
}

INSTANTIATE_TEST_SUITE_P(Golden, ControlledStreams, testing::Values("gemma3n", "deepseek4", "rwkv7"),
                         test::name_of_arch);

}  // namespace
}  // namespace longhand
