// Models of the reference data, turned back into what Hugging Face keeps, are converted to what they were.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "engine/longhand.h"
#include "engine/longhand_convert.h"
#include "engine/text/tokenizer.h"
#include "ops/format.h"
#include "tests/make/unconvert.h"
#include "tests/support/golden.h"
#include "tests/support/golden_model.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

std::vector<float> values_of(const TensorInfo& tensor) {
  const FormatId format = FormatId(find_format(tensor.type_id));
  std::size_t count = 1;
  for (int i = 0; i < tensor.n_dims; ++i) count *= std::size_t(tensor.dims[std::size_t(i)]);
  std::vector<float> values(count);
  decode_blocks(format, tensor.data.data(), std::int64_t(count) / format_info(format).block_elements,
                values.data());
  return values;
}

// Weights that are computed: those to which 1 was added, exponentials, factors of frequencies.
bool is_computed(std::string_view name) {
  return name.ends_with("norm.weight") || name.ends_with("ssm_a") || name.starts_with("rope_f");
}

void expect_same_tensors(const Gguf& made, const Gguf& truth) {
  EXPECT_EQ(made.tensors().size(), truth.tensors().size());
  for (const TensorInfo& expected : truth.tensors()) {
    const TensorInfo* tensor = made.find_tensor(expected.name);
    ASSERT_NE(tensor, nullptr) << expected.name;
    EXPECT_EQ(tensor->dims, expected.dims) << expected.name;
    const std::vector<float> values = values_of(*tensor), wanted = values_of(expected);
    ASSERT_EQ(values.size(), wanted.size()) << expected.name;
    if (!is_computed(expected.name)) {
      EXPECT_EQ(values, wanted) << expected.name;
      continue;
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(values[i], wanted[i], 4e-7 * std::max(1.0f, std::abs(wanted[i]))) << expected.name;
  }
}

std::string shown(const MetaEntry& entry) {
  std::string text = fmt::format("{} {} {}: ", value_type_name(entry.type), int(entry.element), entry.count);
  for (const std::byte b : entry.data.first(std::min<std::size_t>(entry.data.size(), 64)))
    text += fmt::format("{:02x}", int(b));
  return text;
}

// Keys that mean the same when they are absent, or that the reference has from elsewhere.
bool may_differ(std::string_view key) {
  constexpr std::string_view kKeys[] = {"rope.dimension_count", "vocab_size"};
  return std::ranges::any_of(kKeys, [&](std::string_view known) { return key.ends_with(known); });
}

void expect_same_keys(const Gguf& made, const Gguf& truth) {
  const std::string start = std::string(truth.architecture()) + ".";
  for (const MetaEntry& expected : truth.metadata()) {
    if (!expected.key.starts_with(start)) continue;
    const MetaEntry* entry = made.find(expected.key);
    if (!entry && may_differ(expected.key)) continue;
    ASSERT_NE(entry, nullptr) << expected.key;
    EXPECT_EQ(shown(*entry), shown(expected)) << expected.key;
  }
}

void expect_same_tokens(const Gguf& made, const Gguf& truth) {
  const Tokenizer tokenizer(load_vocab(made)), original(load_vocab(truth));
  ASSERT_EQ(tokenizer.size(), original.size());
  for (int i = 0; i < tokenizer.size(); ++i)
    EXPECT_EQ(tokenizer.vocab().tokens[std::size_t(i)], original.vocab().tokens[std::size_t(i)]) << i;
  EXPECT_EQ(tokenizer.vocab().types, original.vocab().types);
  for (const char* text :
       {"the other thing", " In the  morning;\n\nthe water was there.", "1234 and 5,678 (nine)",
        "\xC3\xA4\xE4\xB8\xAD\xF0\x9F\x98\x80", "<|im_start|>the<s>", ""}) {
    for (const bool special : {false, true})
      EXPECT_EQ(tokenizer.encode(text, {.parse_special = special}),
                original.encode(text, {.parse_special = special}))
          << text;
  }
}

void expect_golden_logits(const std::string& model_path, const std::string& golden_folder) {
  const auto meta = nlohmann::json::parse(read_text(golden_folder + "/meta.json"));
  const auto ids =
      nlohmann::json::parse(read_text(golden_folder + "/tokens.json")).at("ids").get<std::vector<Token>>();
  SessionOptions options;
  options.context = meta.at("n_ctx");
  options.key_cache = options.value_cache = CacheType::f32;
  Session session(Model::load(model_path), options);
  std::vector<float> logits;
  session.feed(ids,
               [&](int, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
  EXPECT_LE(nmse(logits, read_floats(golden_folder + "/logits.f32")), double(meta.at("nmse_tolerance")));
}

class ConvertGolden : public testing::TestWithParam<const char*> {};

TEST_P(ConvertGolden, MakesWhatItWasMadeFrom) {
  const std::string folder = golden(std::string("archs/") + GetParam());
  LONGHAND_NEED_GOLDEN(folder);
  const Gguf truth = Gguf::open(folder + "/model.gguf");
  HubFolder hub = unconvert(truth);
  hub.tokenizer = tokenizer_of(truth);
  hub.tokenizer_config = tokenizer_config_of(truth);
  const TempDir dir;
  hub.write_parts(dir.path() / "hub", 3);
  const std::string path = dir.file("out.gguf");
  const ConvertedModel made = convert_model(dir.file("hub"), path, {.type = "f32"});
  EXPECT_EQ(made.architecture, truth.architecture());

  const Gguf file = Gguf::open(path);
  expect_same_tensors(file, truth);
  expect_same_keys(file, truth);
  expect_same_tokens(file, truth);
  expect_golden_logits(path, folder);
}

INSTANTIATE_TEST_SUITE_P(Archs, ConvertGolden,
                         testing::Values("llama", "llama-gqa", "llama-moe", "mistral3", "smollm3", "qwen2",
                                         "qwen2moe", "qwen3", "qwen3moe", "qwen3next", "qwen35", "qwen35moe",
                                         "gemma", "gemma2", "gemma3", "gemma3-pattern", "gemma4", "gemma4-e",
                                         "gemma4-moe", "phi3", "phi3-longrope", "gpt-oss", "gpt-oss-MXFP4",
                                         "lfm2", "lfm2moe", "granite", "granitemoe", "olmo", "olmo2", "olmo3",
                                         "olmoe", "deepseek2", "deepseek2-lite", "deepseek2-v3", "glm4",
                                         "glm4moe", "seed_oss", "ernie4_5", "starcoder2", "qwen2vl",
                                         "qwen3vl"),
                         name_of_arch);

}  // namespace
}  // namespace longhand::test
