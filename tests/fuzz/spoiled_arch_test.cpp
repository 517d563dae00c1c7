// Models of other architectures and of every tensor type, spoiled key by key, tensor by tensor and block by
// block: what is still read must compute, and nothing may crash. Each goes through the fuzz target of models.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/gguf_parts.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/temp_dir.h"

namespace longhand::fuzz {
namespace {

GgufParts parts_of(const std::string& bytes) { return take_apart(Gguf::parse(as_bytes(bytes), "seed.gguf")); }

const std::string& seed(const std::string& name) {
  static const std::vector<Seed> seeds = model_seeds();
  for (const Seed& s : seeds)
    if (s.name == name) return s.bytes;
  throw std::out_of_range(name);
}

// Two norms and sliding windows; experts; matrices that are three in one; recurrent layers of every kind;
// compressed keys; sinks and biases; learned positions and ALiBi; layers with a matrix instead of attention;
// norms in unusual places, or without weights; an activation with parameters; norms of the stream and a
// classifier; windows on both sides; keys of blocks, streams with hyper-connections and a table of experts.
class SpoiledArch : public testing::TestWithParam<const char*> {
 protected:
  const GgufParts good_ = parts_of(seed(GetParam()));
  int runs_ = 0;
  void with(const std::function<void(GgufParts&)>& change) {
    GgufParts spoiled = good_;
    change(spoiled);
    run(spoiled.bytes());
    ++runs_;
  }
};

TEST_P(SpoiledArch, AnyKeyOfAnyTypeIsReadOrRefused) {
  for (std::size_t i = 0; i < good_.head.entries.size(); ++i) {
    const auto as = [&](const GgufEntry& entry) { with([&](GgufParts& p) { p.head.entries[i] = entry; }); };
    const std::string& key = good_.head.entries[i].key;
    with([&](GgufParts& p) { p.head.entries.erase(p.head.entries.begin() + long(i)); });
    for (const int n : {0, 1, 3, 127}) {
      as(gguf_entry(key, std::uint8_t(n))), as(gguf_entry(key, std::uint32_t(n)));
      as(gguf_entry(key, std::int32_t(-n))), as(gguf_entry(key, std::uint64_t(n) << 56));
      as(gguf_entry(key, float(n))), as(gguf_entry(key, n != 0));
      as(gguf_entry(key, std::string(std::size_t(n), 'x')));
      as(gguf_array(key, std::vector<std::uint32_t>(std::size_t(n), 1)));
      as(gguf_array(key, std::vector<float>(std::size_t(n), 1.0f)));
      as(gguf_array(key, std::vector<bool>(std::size_t(n), true)));
      as(gguf_array(key, std::vector<std::string>(std::size_t(n), "a")));
    }
  }
  RecordProperty("runs", runs_);
}

TEST_P(SpoiledArch, AnyTensorChangedIsReadOrRefused) {
  using Tensor = GgufHead::Tensor;
  const std::vector<std::function<void(Tensor&, std::string&)>> changes = {
      [](Tensor& t, std::string&) { t.name += "x"; },
      [](Tensor& t, std::string&) { std::swap(t.dims.front(), t.dims.back()); },
      [](Tensor& t, std::string& data) { t.dims.back() += 1, data += data; },
      [](Tensor& t, std::string&) { t.dims.back() -= 1; },
      [](Tensor& t, std::string&) { t.dims.push_back(1); },
  };
  const auto sized = [](GgufParts& p, std::size_t i) { p.head.tensors[i].bytes = p.data[i].size(); };
  for (std::size_t i = 0; i < good_.data.size(); ++i) {
    with([&](GgufParts& p) {
      p.head.tensors.erase(p.head.tensors.begin() + long(i));
      p.data.erase(p.data.begin() + long(i));
    });
    with([&](GgufParts& p) {
      p.head.tensors.push_back(p.head.tensors[i]);
      p.data.push_back(p.data[i]);
    });
    with([&](GgufParts& p) {
      std::swap(p.head.tensors[i].name, p.head.tensors[(i + 1) % p.data.size()].name);
    });
    for (const auto& change : changes) {
      with([&](GgufParts& p) {
        change(p.head.tensors[i], p.data[i]);
        sized(p, i);
      });
    }
    for (std::uint32_t type = 0; type < 42; ++type) {
      with([&](GgufParts& p) {
        p.head.tensors[i].type = type;
        p.data[i].resize(std::size_t{1} << 14, '\3');
        sized(p, i);
      });
    }
  }
  RecordProperty("runs", runs_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SpoiledArch,
                         testing::Values("gemma3_windows", "qwen3moe", "phi3_fused", "qwen35", "lfm2",
                                         "deepseek2", "gpt_oss_biases", "gpt2", "deci", "bloom", "apertus",
                                         "talkie", "falcon_two_norms", "hunyuan_vl", "olmo", "bitnet",
                                         "jamba", "plamo2", "nemotron_h_latent", "kimi-linear", "rwkv6",
                                         "rwkv7_gate", "minimax-m3", "grovemoe", "arctic", "bert_classifier",
                                         "modern_bert_layers", "deepseek4"),
                         test::name_of_arch);

// The scales of a block: not a number, infinite, the largest. What follows must be refused or finite, and the
// same in one batch as token by token where it is.
TEST(PoisonedTypes, AreReadOrRefused) {
  int types = 0, runs = 0;
  for (const Seed& s : model_seeds()) {
    if (!s.name.starts_with("type_")) continue;
    ++types;
    const GgufParts good = parts_of(s.bytes);
    for (std::size_t i = 0; i < good.data.size(); ++i) {
      for (const std::string pattern : {"\xFF\xFF", "\x80\x7F", "\x7C\x7C", "\x7B\xFB"}) {
        for (const std::size_t bytes : {std::size_t{4}, good.data[i].size() / 2, good.data[i].size()}) {
          GgufParts spoiled = good;
          for (std::size_t at = 0; at < bytes; ++at) spoiled.data[i][at] = pattern[at % 2];
          run(spoiled.bytes());
          ++runs;
        }
      }
    }
  }
  RecordProperty("types", types);
  RecordProperty("runs", runs);
  EXPECT_GE(types, 10);
}

TEST(StatesOfOtherArchitectures, AreRefused) {
  const test::TempDir dir;
  const std::string path = dir.file("model"), state = dir.file("state");
  int refused = 0;
  for (const Seed& s : model_seeds()) {
    dir.write("model", s.bytes);
    const Model model = Model::load(path, {.threads = 1});
    if (model_data(model).config.embeds()) continue;  // has no states to save
    Session session(model, {.context = 32, .threads = 1});
    if (std::filesystem::exists(state)) {
      EXPECT_EQ(test::code_of([&] { session.restore_state(state); }), Errc::mismatch) << s.name;
      ++refused;
    }
    session.feed(std::vector<Token>{1, 2, 3});
    session.save_state(state);
  }
  EXPECT_GE(refused, 30);
}

}  // namespace
}  // namespace longhand::fuzz
