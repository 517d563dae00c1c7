// Folders that are converted as asked for, and folders that are refused.
#include "engine/longhand_convert.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "ops/format.h"
#include "ops/half.h"
#include "tests/make/hub_folder.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

std::vector<float> floats_of(const HubTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

// The same numbers with 16 bits each.
void store_16(HubTensor& tensor, const std::string& type) {
  std::string bytes;
  for (const float x : floats_of(tensor)) {
    const std::uint16_t bits = type == "F16" ? f32_to_f16(x) : f32_to_bf16(x);
    bytes.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  tensor.bytes = bytes;
  tensor.type = type;
}

/// A folder and the file that was made of it.
class Converted {
 public:
  explicit Converted(const HubFolder& folder, const ConvertOptions& options = {}) {
    folder.write(dir_.path() / "hub");
    made = convert_model(dir_.file("hub"), path(), options);
  }
  std::string path() const { return dir_.file("out.gguf"); }
  Gguf open() const { return Gguf::open(path()); }

  ConvertedModel made;

 private:
  TempDir dir_;
};

std::vector<float> values_of(const TensorInfo& tensor) {
  const FormatId format = FormatId(find_format(tensor.type_id));
  std::vector<float> values(std::size_t(tensor.dims[0] * tensor.dims[1] * tensor.dims[2]));
  decode_blocks(format, tensor.data.data(), std::int64_t(values.size()) / format_info(format).block_elements,
                values.data());
  return values;
}

TEST(Convert, WritesEveryTypeAndTheSameNumbers) {
  const HubFolder folder = tiny_qwen3();
  const std::pair<const char*, const FormatInfo*> types[] = {{"f32", &F32::info},
                                                             {"f16", &F16::info},
                                                             {"bf16", &BF16::info},
                                                             {"q8_0", &Q8_0::info},
                                                             {"auto", &F32::info}};
  for (const auto& [name, type] : types) {
    const Converted out(folder, {.type = name, .check_tensors = true});
    EXPECT_EQ(out.made.type, type->name);
    EXPECT_EQ(out.made.architecture, "qwen3");
    EXPECT_EQ(out.made.bytes, fs::file_size(out.path()));
    EXPECT_THAT(out.made.notes, IsEmpty());
    const Gguf file = out.open();
    const TensorInfo& down = *file.find_tensor("blk.0.ffn_down.weight");
    EXPECT_EQ(down.type_id, type->gguf);
    EXPECT_EQ(file.find_tensor("blk.0.ffn_norm.weight")->type_id, F32::info.gguf);
    const std::vector<float> values = values_of(down), stored = floats_of(folder.tensors.back());
    const double bound = type == &Q8_0::info ? 1e-4 : 0;
    EXPECT_LE(nmse(values, stored), bound) << name;
    EXPECT_NO_THROW(Session(Model::load(out.path())).feed(std::vector<Token>{1, 2, 3}));
  }
}

TEST(Convert, StoresWhatItFindsWhereNothingIsAskedFor) {
  for (const char* type : {"F16", "BF16"}) {
    HubFolder folder = tiny_qwen3();
    const std::vector<float> values = floats_of(folder.tensors.back());
    for (HubTensor& tensor : folder.tensors) store_16(tensor, type);
    const Converted out(folder);
    EXPECT_EQ(out.made.type, type);
    const Gguf file = out.open();
    EXPECT_EQ(values_of(*file.find_tensor("blk.0.ffn_down.weight")), values);
  }
}

// The numbers of F8_E4M3 and F8_E5M2 by their definition: sign, exponent, mantissa.
double f8_value(std::uint8_t bits, int mantissa_bits, int bias) {
  const int mantissa = bits & ((1 << mantissa_bits) - 1), exponent = (bits & 0x7F) >> mantissa_bits;
  const double fraction = double(mantissa) / (1 << mantissa_bits);
  const double size =
      exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
  return bits >= 0x80 ? -size : size;
}

TEST(Convert, ScalesBlocksOfEightBits) {
  const std::tuple<const char*, int, int, int> types[] = {{"F8_E4M3", 3, 7, 0x7F}, {"F8_E5M2", 2, 15, 0x7C}};
  for (const auto& [type, mantissa_bits, bias, end] : types) {
    HubFolder folder = tiny_qwen3();
    folder.config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {32, 40}}};
    HubTensor& down = folder.tensors.back();  // 64 rows of 96
    down.type = type;
    down.bytes.clear();
    for (std::uint64_t i = 0; i < kHidden * kFf; ++i)
      down.bytes += char(int(i * 7 % std::uint64_t(end)) | int(i % 2) << 7);
    const std::vector<float> scales = {1, 0.5f, 3, 2, 0.25f, 5};  // 2 blocks of rows, 3 of columns
    const HubTensor stored = down;
    folder.add(stored.name + "_scale_inv", {2, 3}, scales);
    const Converted out(folder, {.type = "f32"});
    const Gguf file = out.open();
    const std::vector<float> values = values_of(*file.find_tensor("blk.0.ffn_down.weight"));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t row = i / kFf, column = i % kFf;
      const double expected =
          f8_value(std::uint8_t(stored.bytes[i]), mantissa_bits, bias) * scales[row / 32 * 3 + column / 40];
      ASSERT_EQ(double(values[i]), expected) << type << " " << i;
    }
  }
}

// Frequencies by the formula of transformers, one by one.
TEST(Convert, SlowsFrequenciesAsLlama3Does) {
  HubFolder folder = tiny_qwen3();
  folder.config["rope_scaling"] = {{"rope_type", "llama3"},
                                   {"factor", 8.0},
                                   {"low_freq_factor", 1.0},
                                   {"high_freq_factor", 4.0},
                                   {"original_max_position_embeddings", 100}};
  const Converted out(folder);
  const Gguf file = out.open();
  const std::vector<float> factors = values_of(*file.find_tensor("rope_freqs.weight"));
  ASSERT_EQ(factors.size(), kSize / 2);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double frequency = std::pow(10000.0, -double(2 * i) / double(kSize)),
                 wavelength = 2 * 3.14159265358979 / frequency;
    double slowed = frequency;
    if (wavelength > 100.0 / 1) {
      slowed = frequency / 8;
    } else if (wavelength > 100.0 / 4) {
      const double smooth = (100 / wavelength - 1) / (4 - 1);
      slowed = (1 - smooth) * frequency / 8 + smooth * frequency;
    }
    EXPECT_NEAR(factors[i], frequency / slowed, 1e-5) << i;
  }
}

TEST(Convert, LeavesOutWhatReadsPicturesAndForeseesTokens) {
  HubFolder folder = tiny_qwen3();
  folder.config["num_nextn_predict_layers"] = 1;
  folder.add("model.visual.blocks.0.weight", {3, 5, 7}, random_values(105, 9));
  folder.add("mtp.layers.0.weight", {3}, random_values(3, 9));
  folder.add("model.layers.1.anything.weight", {3}, random_values(3, 9));
  folder.add("lm_head.weight", {kVocab, kHidden}, random_values(kVocab * kHidden, 9));  // tied
  const Converted out(folder);
  ASSERT_EQ(out.made.notes.size(), 1u);
  EXPECT_THAT(out.made.notes[0], HasSubstr("3 tensors"));
  EXPECT_EQ(out.open().tensors().size(), tiny_qwen3().tensors.size());
}

TEST(Convert, Gemma3LosesRowsOfNoToken) {
  HubFolder folder = tiny_qwen3();
  folder.config["architectures"] = {"Gemma3ForCausalLM"};
  folder.config["sliding_window"] = 16;
  for (const char* norm : {"pre_feedforward_layernorm", "post_feedforward_layernorm"})
    folder.add(fmt::format("model.layers.0.{}.weight", norm), {kHidden}, random_values(kHidden, 1));
  const Converted out(folder);
  EXPECT_EQ(out.open().find_tensor("token_embd.weight")->dims[1], 39u);
  ASSERT_EQ(out.made.notes.size(), 1u);
  EXPECT_THAT(out.made.notes[0], HasSubstr("1 rows"));
}

TEST(Convert, PutsRowsThatAreNoWholeBlocksIntoF16) {
  HubFolder folder = tiny_qwen3();
  folder.config["intermediate_size"] = 40;
  for (const char* name : {"mlp.gate_proj", "mlp.up_proj"}) {
    tensor_of(folder, name).shape = {40, kHidden};
    tensor_of(folder, name).bytes.resize(40 * kHidden * sizeof(float));
  }
  folder.tensors.back().shape = {kHidden, 40};
  folder.tensors.back().bytes.resize(40 * kHidden * sizeof(float));
  const Converted out(folder, {.type = "q8_0"});
  EXPECT_EQ(out.open().find_tensor("blk.0.ffn_down.weight")->type_id, F16::info.gguf);
  ASSERT_EQ(out.made.notes.size(), 1u);
  EXPECT_THAT(out.made.notes[0], HasSubstr("blk.0.ffn_down.weight has 40 columns"));
}

TEST(Convert, StopsWhereItIsToldToAndLeavesNothing) {
  const TempDir dir;
  tiny_qwen3().write(dir.path() / "hub");
  float last = 0;
  const auto stop = [&](float share) {
    EXPECT_GT(share, last);
    last = share;
    return share < 0.5f;
  };
  EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf"), {.progress = stop}); }),
            Errc::cancelled);
  EXPECT_GE(last, 0.5f);
  EXPECT_THAT(list_folder(dir.path().string()), ElementsAre("hub"));
}

TEST(Convert, KnowsAModelFolder) {
  const TempDir dir;
  EXPECT_FALSE(is_model_folder(dir.path().string()));
  EXPECT_FALSE(is_model_folder(dir.file("gone")));
  tiny_qwen3().write(dir.path());
  EXPECT_TRUE(is_model_folder(dir.path().string()));
  EXPECT_FALSE(is_model_folder(dir.file("config.json")));
}

class ConvertScript : public testing::TestWithParam<const char*> {};

// Models of scripts/make_hf_model, which writes what transformers reads.
TEST_P(ConvertScript, ConvertsAndComputes) {
  const TempDir dir;
  const Arguments make = {"/usr/bin/python3", LONGHAND_GUIDE "/../../scripts/make_hf_model", GetParam(),
                          dir.file("hub")};
  const ProcessResult made = run_process(make);
  if (made.status != 0 && made.err.find("numpy") != std::string::npos)
    GTEST_SKIP() << "SKIPPED, NOT TESTED: python3 has no numpy";
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(convert_model(dir.file("hub"), dir.file("out.gguf")).architecture, GetParam());
  const Model model = Model::load(dir.file("out.gguf"));
  EXPECT_THAT(model.info().warnings, IsEmpty());
  Session session(model);
  int rows = 0;
  session.feed(model.encode("the other thing"), [&](int, std::span<const float> logits) {
    ++rows;
    EXPECT_TRUE(std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }));
  });
  EXPECT_GT(rows, 0);
}

INSTANTIATE_TEST_SUITE_P(Archs, ConvertScript,
                         testing::Values("llama", "qwen3", "qwen3moe", "gemma3", "gpt-oss", "lfm2",
                                         "deepseek2"),
                         [](const auto& info) {
                           return info.param == std::string("gpt-oss") ? std::string("gpt_oss")
                                                                       : std::string(info.param);
                         });

TEST(Convert, TellsHowAVectorIsMade) {
  const HubFolder folder = tiny_qwen3();
  const TempDir dir;
  folder.write(dir.path() / "hub");
  fs::create_directories(dir.path() / "hub/1_Pooling");
  dir.write("hub/modules.json",
            R"([{"type": "a.Transformer", "path": ""}, {"type": "b.Pooling", "path": "1_Pooling"}])");
  dir.write("hub/1_Pooling/config.json", R"({"pooling_mode_lasttoken": true})");
  convert_model(dir.file("hub"), dir.file("out.gguf"));
  EXPECT_NE(Gguf::open(dir.file("out.gguf")).find("qwen3.pooling_type"), nullptr);
  dir.write("hub/1_Pooling/config.json", R"({"pooling_mode": "max"})");
  EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf")); }), Errc::unsupported);
  dir.write("hub/modules.json", R"([{"type": "b.Pooling", "path": "../elsewhere"}])");
  EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf")); }), Errc::range);
}

TEST(ConvertProgram, ConvertsAndSaysWhatItMade) {
  const TempDir dir;
  tiny_qwen3().write(dir.path() / "hub");
  const ProcessResult done =
      run_process({LONGHAND_PROGRAM, "convert", dir.file("hub"), dir.file("out.gguf"), "--outtype", "bf16"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("qwen3, 13 tensors, BF16"));
  EXPECT_EQ(Gguf::open(dir.file("out.gguf")).find_tensor("token_embd.weight")->type_id, BF16::info.gguf);
  EXPECT_EQ(run_process({LONGHAND_PROGRAM, "convert", dir.file("hub"), dir.file("no/out.gguf")}).status, 1);
  EXPECT_EQ(run_process({LONGHAND_PROGRAM, "convert", dir.file("hub"), dir.file("x.gguf"), "--outtype", "q9"})
                .status,
            2);
}

TEST(ConvertProgram, OpensAFolderAndConvertsItOnce) {
  const TempDir dir;
  HubFolder folder = tiny_qwen3();
  folder.write(dir.path() / "hub");
  const Environment environment = {{"XDG_CACHE_HOME", dir.file("cache")}};
  const auto info = [&] { return run_process({LONGHAND_PROGRAM, "info", dir.file("hub")}, "", environment); };
  const auto kept = [&] {
    std::vector<std::string> names = list_folder(dir.file("cache/longhand/converted"));
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".gguf"); });
    return names;
  };
  const ProcessResult first = info();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("is converted once"));
  EXPECT_THAT(first.out, HasSubstr("qwen3"));
  const auto made = kept();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_THAT(info().err, testing::Not(HasSubstr("converted")));
  EXPECT_EQ(kept(), made);

  folder.config["max_position_embeddings"] = 1024;  // another file in place of the old one
  folder.write(dir.path() / "hub");
  EXPECT_THAT(info().err, HasSubstr("is converted once"));
  EXPECT_EQ(kept().size(), 1u);
  EXPECT_NE(kept(), made);

  fs::create_directory(dir.path() / "hub/additional_chat_templates");
  for (const char* text : {"a", "longer"}) {
    dir.write("hub/additional_chat_templates/rag.jinja", text);
    EXPECT_THAT(info().err, HasSubstr("is converted once"));
  }
}

}  // namespace
}  // namespace longhand::test
