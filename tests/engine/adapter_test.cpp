// Models with adapters beside them compute what models compute into which the adapters are merged.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/lora.h"
#include "tests/support/random_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::GgufWriter;
using test::random_lora;
using testing::HasSubstr;

// Fused and split projections, experts in one tensor and beside a shared network, latent attention with its
// matrices apart and in one, recurrent layers, several streams, tied heads and embeddings that are scaled.
const char* const kModels[] = {
    "llama",      "qwen3",      "qwen3moe",  "deepseek2",     "deepseek2-lite", "minicpm3",   "gemma3",
    "gemma3n",    "qwen35",     "qwen35moe", "phi3",          "gpt-oss",        "lfm2",       "mamba",
    "mamba2",     "falcon-h1",  "rwkv6",     "rwkv7",         "jamba",          "plamo2",     "kimi-linear",
    "grovemoe",   "gpt2",       "bloom",     "llama-moe",     "smallthinker",   "minimax-m3", "deepseek4",
    "deepseek32", "granitemoe", "bitnet",    "nemotron_h_moe"};

// Merged weights are rounded to floats, and so is everything behind them.
constexpr double kNear = 1e-10;

SessionOptions exact(int batch = 24) {
  SessionOptions o;
  o.context = 256;
  o.batch = batch;
  o.threads = 2;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

std::vector<float> all_logits(const Model& model, const SessionOptions& options,
                              const std::vector<Token>& tokens) {
  Session session(model, options);
  std::vector<float> all;
  session.feed(tokens,
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

class Adapted : public test::GoldenModel {};

TEST_P(Adapted, ComputesWhatMergedWeightsDo) {
  std::vector<std::byte> merged =
      test::read_bytes(test::golden(std::string("archs/") + GetParam()) + "/model.gguf");
  const std::vector<std::byte> first = random_lora(model(), {.rank = 3, .alpha = 2}).bytes();
  const std::vector<std::byte> second =
      random_lora(model(), {.rank = 18, .alpha = 0, .format = FormatId(find_format(1)), .seed = 2}).bytes();
  SessionOptions with = exact();
  with.adapters = {{Adapter::load_memory(model(), first), 0.7f},
                   {Adapter::load_memory(model(), second), -0.05f}};
  test::merge_into(merged, first, double(0.7f));
  test::merge_into(merged, second, double(-0.05f));
  const Model whole = Model::load_memory(std::move(merged));
  const std::vector<Token> tokens = test::some_tokens(40);
  const std::vector<float> want = all_logits(whole, exact(), tokens);
  EXPECT_LT(test::nmse(all_logits(model(), with, tokens), want), kNear);
  // They are no trifle.
  EXPECT_GT(test::nmse(all_logits(model(), exact(), tokens), want), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Golden, Adapted, testing::ValuesIn(kModels), test::name_of_arch);

// Widths that are no multiple of anything, and ranks around those of panels.
TEST(Adapter, ServesEveryWidthRankAndBatch) {
  for (const std::uint32_t hidden : {40u, 72u}) {
    const test::RandomShape shape{"llama",
                                  {{"embedding_length", hidden}, {"feed_forward_length", hidden + 9}}};
    const std::vector<std::byte> file = test::random_model(shape).bytes();
    const Model model = Model::load_memory(file);
    for (const int rank : {1, 15, 16, 17, 33, 50}) {
      for (const std::uint32_t type : {0u, 1u, 30u}) {
        const auto lora =
            random_lora(model, {.rank = rank, .alpha = 3, .format = FormatId(find_format(type))}).bytes();
        std::vector<std::byte> merged = file;
        test::merge_into(merged, lora, 0.5);
        const Model whole = Model::load_memory(std::move(merged));
        const Adapter adapter = Adapter::load_memory(model, lora);
        for (const int length : {1, 7, 70}) {
          SessionOptions with = exact(length > 10 ? 64 : 3);
          const auto tokens = test::some_tokens(length);
          const std::vector<float> want = all_logits(whole, with, tokens);
          with.adapters = {{adapter, 0.5f}};
          EXPECT_LT(test::nmse(all_logits(model, with, tokens), want), kNear)
              << hidden << " wide, rank " << rank << ", type " << type << ", " << length << " tokens";
        }
      }
    }
  }
}

// A model of floats whose weights stay as they are in the file.
TEST(Adapter, ServesWeightsThatAreNotRepacked) {
  const std::vector<std::byte> file = test::random_model({"llama"}).bytes();
  LoadOptions load;
  load.repack = false;
  const Model model = Model::load_memory(file, load);
  const auto lora = random_lora(model, {}).bytes();
  std::vector<std::byte> merged = file;
  test::merge_into(merged, lora, 1);
  SessionOptions with = exact();
  with.adapters = {{Adapter::load_memory(model, lora)}};
  const auto tokens = test::some_tokens(20);
  EXPECT_LT(test::nmse(all_logits(model, with, tokens),
                       all_logits(Model::load_memory(std::move(merged)), exact(), tokens)),
            kNear);
}

TEST(Adapter, SaysWhatItIs) {
  const Model model = Model::load_memory(test::random_model({"llama"}).bytes());
  const Adapter adapter =
      Adapter::load_memory(model, random_lora(model, {.rank = 5, .alpha = 8}).bytes(), "it");
  const AdapterInfo info = adapter.info();
  EXPECT_EQ(info.name, "it");
  EXPECT_EQ(info.rank, 5);
  EXPECT_EQ(info.alpha, 8);
  EXPECT_EQ(info.tensors, 2 * 7 + 1);  // of two layers and the embedding, which is the head
  EXPECT_GT(info.bytes, 0u);
}

TEST(Adapter, OfScale0IsNotThere) {
  const Model model = Model::load_memory(test::random_model({"llama"}).bytes());
  SessionOptions with = exact();
  with.adapters = {{Adapter::load_memory(model, random_lora(model, {}).bytes()), 0}};
  const auto tokens = test::some_tokens(20);
  EXPECT_EQ(all_logits(model, with, tokens), all_logits(model, exact(), tokens));
}

// The last layers of some models take the keys of others, and their files have matrices for their own.
TEST(Adapter, LeavesOutMatricesThatNothingReads) {
  const std::string path = test::golden("archs/gemma3n") + "/model.gguf";
  const Model model = Model::load(path);
  const Gguf file = Gguf::open(path);
  const std::string name = fmt::format("blk.{}.attn_k.weight", model.info().layers - 1);
  const TensorInfo* t = file.find_tensor(name);
  ASSERT_NE(t, nullptr);
  const test::LoraTensor right{name, t->dims[0], t->dims[1]}, wrong{name, t->dims[0] * 2, t->dims[1]};
  const test::LoraTensor used{"blk.0.attn_k.weight", t->dims[0], t->dims[1]};
  EXPECT_EQ(
      Adapter::load_memory(model, test::random_lora("gemma3n", {right, used}, {}).bytes()).info().tensors, 1);
  EXPECT_EQ(
      test::code_of([&] { Adapter::load_memory(model, test::random_lora("gemma3n", {wrong}, {}).bytes()); }),
      Errc::shape);
}

// Several sessions of one runner, whose rows stand side by side in one pass.
class AdaptedRunner : public test::GoldenModel {};

TEST_P(AdaptedRunner, GivesEachSessionItsOwn) {
  const Adapter first = Adapter::load_memory(model(), random_lora(model(), {.rank = 4}).bytes());
  const Adapter second = Adapter::load_memory(model(), random_lora(model(), {.rank = 20, .seed = 9}).bytes());
  const std::vector<std::vector<AdapterUse>> uses = {
      {}, {{first, 1}}, {{second, 0.3f}}, {{first, 1}, {second, 0.3f}}, {{first, -0.5f}}, {}};
  Runner runner(model(), {.threads = 2, .batch = 40});
  std::vector<Session> sessions;
  std::vector<std::vector<Token>> texts;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    sessions.emplace_back(runner, exact());
    sessions.back().set_adapters(uses[i]);
    texts.push_back(test::some_tokens(3 + int(i) * 5, unsigned(i)));
  }
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<Runner::Feed> feeds;
    for (std::size_t i = 0; i < uses.size(); ++i) feeds.push_back({sessions[i], texts[i]});
    runner.run(feeds);
  }
  for (std::size_t i = 0; i < uses.size(); ++i) {
    SessionOptions with = exact();
    with.adapters = uses[i];
    Session alone(model(), with);
    alone.feed(texts[i]);
    EXPECT_EQ(test::copy_of(sessions[i].logits(sessions[i].size() - 1)), test::copy_of(alone.feed(texts[i])))
        << "session " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, AdaptedRunner,
                         testing::Values("llama", "qwen3moe", "qwen35", "deepseek2-lite", "gemma3n",
                                         "grovemoe"),
                         test::name_of_arch);

class AdaptedSession : public testing::Test {
 protected:
  const Model model_ = Model::load_memory(test::random_model({"llama"}).bytes());
  const Adapter adapter_ = Adapter::load_memory(model_, random_lora(model_, {}).bytes());
  const Adapter other_ = Adapter::load_memory(model_, random_lora(model_, {.seed = 5}).bytes());
  const std::vector<Token> tokens_ = test::some_tokens(12);

  SessionOptions with(const Adapter& adapter, float scale) const {
    SessionOptions o = exact();
    o.adapters = {{adapter, scale}};
    return o;
  }
};

TEST_F(AdaptedSession, TakesOthersWhileItIsEmpty) {
  Session session(model_, with(adapter_, 1));
  session.set_adapters(std::vector<AdapterUse>{{other_, 2}});
  EXPECT_EQ(test::copy_of(session.feed(tokens_)),
            test::copy_of(Session(model_, with(other_, 2)).feed(tokens_)));
  session.set_adapters(std::vector<AdapterUse>{{other_, 2}});  // the same
  std::string message;
  EXPECT_EQ(test::code_of([&] { session.set_adapters({}); }, &message), Errc::busy);
  EXPECT_THAT(message, HasSubstr("12 tokens"));
  session.rewind(0);
  session.set_adapters({});
  EXPECT_EQ(test::copy_of(session.feed(tokens_)), test::copy_of(Session(model_, exact()).feed(tokens_)));
}

// They differ in the first value of a matrix alone.
TEST_F(AdaptedSession, TellsAlmostEqualAdaptersApart) {
  GgufWriter file = random_lora(model_, {});
  file.tensors[0].data[3] ^= 1;
  const std::vector<AdapterUse> almost = {{Adapter::load_memory(model_, file.bytes()), 1}};
  Session session(model_, with(adapter_, 1));
  session.feed(tokens_);
  EXPECT_EQ(test::code_of([&] { session.set_adapters(almost); }), Errc::busy);
  const std::vector<AdapterUse> again = {{Adapter::load_memory(model_, random_lora(model_, {}).bytes()), 1}};
  EXPECT_NO_THROW(session.set_adapters(again));
}

TEST_F(AdaptedSession, ForksWithThem) {
  Session session(model_, with(adapter_, 1));
  session.feed(tokens_);
  Session fork = session.fork();
  EXPECT_EQ(test::copy_of(fork.feed(tokens_)), test::copy_of(session.feed(tokens_)));
}

TEST_F(AdaptedSession, RefusesWhatWasMovedFrom) {
  Adapter gone = adapter_;
  const Adapter taken = std::move(gone);
  EXPECT_EQ(test::code_of([&] { gone.info(); }), Errc::missing);
  EXPECT_EQ(test::code_of([&] { Session(model_, with(gone, 1)); }), Errc::missing);
}

TEST_F(AdaptedSession, RefusesThoseOfAnotherModel) {
  const Model again = Model::load_memory(test::random_model({"llama"}).bytes());
  EXPECT_EQ(test::code_of([&] { Session(again, with(adapter_, 1)); }), Errc::mismatch);
  Session session(again, exact());
  const std::vector<AdapterUse> uses = {{adapter_, 1}};
  EXPECT_EQ(test::code_of([&] { session.set_adapters(uses); }), Errc::mismatch);
  EXPECT_EQ(test::code_of([&] { Session(model_, with(adapter_, std::nanf(""))); }), Errc::range);
  const std::vector<AdapterUse> many(65, {adapter_, 1});
  EXPECT_EQ(test::code_of([&] { Session(model_, exact()).set_adapters(many); }), Errc::limit);
}

TEST_F(AdaptedSession, RestoresOnlyWhatWasComputedAlike) {
  Session session(model_, with(adapter_, 1));
  session.feed(tokens_);
  const std::vector<std::byte> state = session.save_state();
  Session same(model_, with(adapter_, 1));
  same.restore_state(state);
  EXPECT_EQ(test::copy_of(same.feed(tokens_)), test::copy_of(session.feed(tokens_)));
  for (const SessionOptions& o : {exact(), with(adapter_, 0.5f), with(other_, 1)}) {
    Session other(model_, o);
    std::string message;
    EXPECT_EQ(test::code_of([&] { other.restore_state(state); }, &message), Errc::mismatch);
    EXPECT_THAT(message, HasSubstr("adapter"));
    EXPECT_EQ(other.size(), 0);
  }
  Session plain(model_, exact());
  plain.feed(tokens_);
  std::string message;
  EXPECT_EQ(
      test::code_of([&] { Session(model_, with(adapter_, 1)).restore_state(plain.save_state()); }, &message),
      Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("adapter"));
}

// What a spoiled adapter is refused with.
struct Spoiled {
  const char* what;
  std::function<void(GgufWriter&)> spoil;
  Errc code;
  const char* message;
};

GgufWriter::Tensor& first_tensor(GgufWriter& w, std::string_view end) {
  return *std::ranges::find_if(w.tensors, [&](const auto& t) { return t.name.ends_with(end); });
}

void set_entry(GgufWriter& w, const std::string& key, const std::string& value) {
  std::erase_if(w.entries, [&](const auto& e) { return e.key == key; });
  w.add(key, value);
}

std::vector<Spoiled> spoiled_adapters() {
  return {
      {"a model", [](GgufWriter& w) { set_entry(w, "general.type", "model"); }, Errc::unsupported,
       "general.type"},
      {"no type", [](GgufWriter& w) { w.entries.erase(w.entries.begin()); }, Errc::unsupported, "is missing"},
      {"another kind", [](GgufWriter& w) { set_entry(w, "adapter.type", "ia3"); }, Errc::unsupported,
       "'lora'"},
      {"another architecture", [](GgufWriter& w) { set_entry(w, "general.architecture", "qwen3"); },
       Errc::mismatch, "'llama'"},
      {"begins at tokens",
       [](GgufWriter& w) {
         w.add_array("adapter.alora.invocation_tokens", std::vector<std::uint32_t>{1, 2});
       },
       Errc::unsupported, "alora"},
      {"alpha is none",
       [](GgufWriter& w) { w.entries.back() = gguf_entry("adapter.lora.alpha", std::nanf("")); }, Errc::range,
       "alpha"},
      {"half a pair", [](GgufWriter& w) { w.tensors.erase(w.tensors.begin()); }, Errc::missing, ".lora_a"},
      {"nothing", [](GgufWriter& w) { w.tensors.clear(); }, Errc::missing, "no tensors"},
      {"another tensor",
       [](GgufWriter& w) { w.tensor("blk.0.attn_norm.weight", {32}, std::vector<float>(32)); },
       Errc::unsupported, "attn_norm"},
      {"unknown",
       [](GgufWriter& w) {
         w.tensor("blk.7.attn_q.weight.lora_a", {32, 3}, std::vector<float>(96));
         w.tensor("blk.7.attn_q.weight.lora_b", {3, 32}, std::vector<float>(96));
       },
       Errc::missing, "blk.7.attn_q.weight"},
      {"a norm",
       [](GgufWriter& w) {
         w.tensor("output_norm.weight.lora_a", {32, 3}, std::vector<float>(96));
         w.tensor("output_norm.weight.lora_b", {3, 1}, std::vector<float>(3));
       },
       Errc::unsupported, "output_norm"},
      {"too narrow",
       [](GgufWriter& w) {
         auto& t = first_tensor(w, "attn_q.weight.lora_a");
         t.dims[0] = 16;
         t.data.resize(t.data.size() / 2);
       },
       Errc::shape, "16 x 3, must be 32 x 3"},
      {"ranks differ",
       [](GgufWriter& w) {
         auto& t = first_tensor(w, "attn_q.weight.lora_a");
         t.dims[1] = 2;
         t.data.resize(t.data.size() / 3 * 2);
       },
       Errc::shape, "32 x 2, must be 32 x 3"},
      {"too short",
       [](GgufWriter& w) {
         auto& t = first_tensor(w, "attn_k.weight.lora_b");
         t.dims[1] = 8;
         t.data.resize(t.data.size() / 2);
       },
       Errc::shape, "3 x 8, must be rank x 16"},
      {"three dimensions",
       [](GgufWriter& w) {
         auto& t = first_tensor(w, "attn_k.weight.lora_b");
         t.dims.push_back(2);
         t.data += t.data;
       },
       Errc::shape, "must be rank x 16"},
      {"rank 0", [](GgufWriter& w) { first_tensor(w, "attn_k.weight.lora_b").dims[0] = 0; }, Errc::shape,
       "attn_k"},
      {"the embedding the other way round",
       [](GgufWriter& w) {
         std::swap(first_tensor(w, "token_embd.weight.lora_a").dims[0],
                   first_tensor(w, "token_embd.weight.lora_a").dims[1]);
       },
       Errc::shape, "token_embd"},
      {"cut", [](GgufWriter& w) { w.tensors.back().data.resize(8); }, Errc::truncated, ""},
  };
}

TEST(SpoiledAdapter, IsRefusedByName) {
  const Model model = Model::load_memory(test::random_model({"llama"}).bytes());
  const GgufWriter right = random_lora(model, {});
  EXPECT_NO_THROW(Adapter::load_memory(model, right.bytes()));
  for (const Spoiled& row : spoiled_adapters()) {
    GgufWriter wrong = right;
    row.spoil(wrong);
    std::string message;
    const auto file = wrong.bytes();
    EXPECT_EQ(test::code_of([&] { Adapter::load_memory(model, file, "spoiled"); }, &message), row.code)
        << row.what << ": " << message;
    EXPECT_THAT(message, HasSubstr(row.message)) << row.what;
    EXPECT_THAT(message, HasSubstr("spoiled")) << row.what;
  }
}

TEST(SpoiledAdapter, IsRefusedWhereItIsNoFile) {
  const Model model = Model::load_memory(test::random_model({"llama"}).bytes());
  EXPECT_EQ(test::code_of([&] { Adapter::load(model, "/nowhere/adapter.gguf"); }), Errc::io);
}

}  // namespace
}  // namespace longhand
