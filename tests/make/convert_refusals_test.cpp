// Folders that are refused, and what is as it was then.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

#include "engine/longhand_convert.h"
#include "tests/make/hub_folder.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct Refused {
  const char* name;
  std::function<void(HubFolder&)> spoil;
  Errc code;
  const char* says;
};

TEST(ConvertRefusals, RefusesSpoiledFoldersAndLeavesTheOldFile) {
  const auto set = [](const char* key, json value) {
    return [=](HubFolder& folder) { folder.config[key] = value; };
  };
  const auto without = [](const std::string& part) {
    return [=](HubFolder& folder) {
      std::erase_if(folder.tensors,
                    [&](const HubTensor& t) { return t.name.find(part) != std::string::npos; });
    };
  };
  const Refused all[] = {
      {"class", set("architectures", {"NoSuchModel"}), Errc::unsupported, "'NoSuchModel'"},
      {"no class", set("architectures", json::array()), Errc::missing, "architectures"},
      {"text class", set("architectures", "Qwen3ForCausalLM"), Errc::type, "architectures"},
      {"layers", set("num_hidden_layers", -1), Errc::range, "num_hidden_layers"},
      {"fraction", set("num_hidden_layers", 1.5), Errc::range, "num_hidden_layers"},
      {"heads", set("num_attention_heads", 0), Errc::range, "head"},
      {"more layers", set("num_hidden_layers", 2), Errc::missing, "blk.1."},
      {"wider", set("hidden_size", 128), Errc::shape, "[128"},
      {"scaling", set("rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2.0}}), Errc::unsupported,
       "'dynamic'"},
      {"long factors", set("rope_scaling", {{"rope_type", "longrope"}}), Errc::unsupported, "'longrope'"},
      {"quantized", set("quantization_config", {{"quant_method", "gptq"}}), Errc::unsupported, "'gptq'"},
      {"no norm", without("post_attention_layernorm"), Errc::missing, "blk.0.ffn_norm.weight"},
      {"no embedding", without("embed_tokens"), Errc::missing, "token_embd.weight"},
      {"nobody's", [](HubFolder& folder) { folder.add("model.layers.0.mlp.odd.weight", {1}, {1}); },
       Errc::unsupported, "model.layers.0.mlp.odd.weight"},
      {"another's",
       [](HubFolder& folder) {
         folder.add("model.layers.0.self_attn.q_proj.bias", {5}, random_values(5, 1));
       },
       Errc::shape, "attn_q.bias"},
      {"twins",
       [](HubFolder& folder) {
         HubTensor twin = tensor_of(folder, "q_proj");
         twin.name = "model.language_model.layers.0.self_attn.q_proj.weight";
         folder.tensors.push_back(twin);
       },
       Errc::duplicate, "model.language_model.layers.0.self_attn.q_proj.weight"},
      {"leading zero",
       [](HubFolder& folder) { tensor_of(folder, "up_proj").name = "model.layers.00.mlp.up_proj.weight"; },
       Errc::unsupported, "model.layers.00.mlp"},
      {"8 bits without scales",
       [](HubFolder& folder) {
         folder.config["quantization_config"] = {{"quant_method", "fp8"}};
         HubTensor& up = tensor_of(folder, "up_proj");
         up.type = "F8_E4M3";
         up.bytes.resize(up.bytes.size() / 4);
       },
       Errc::missing, "up_proj.weight"},
      {"whole numbers", [](HubFolder& folder) { tensor_of(folder, "up_proj").type = "I32"; },
       Errc::unsupported, "I32"},
      {"NaN",
       [](HubFolder& folder) {
         const float nan = std::numeric_limits<float>::quiet_NaN();
         std::memcpy(tensor_of(folder, "up_proj").bytes.data() + 400, &nan, sizeof nan);
       },
       Errc::nonfinite, "blk.0.ffn_up.weight"},
      {"a layer too many", [](HubFolder& folder) { folder.add("model.layers.1.mlp.odd.weight", {1}, {1}); },
       Errc::unsupported, "model.layers.1.mlp.odd.weight"},
      {"no head", set("tie_word_embeddings", false), Errc::missing, "output.weight"},
      {"many layers", set("num_hidden_layers", 2000000000), Errc::range, "num_hidden_layers"},
      {"many heads", set("num_attention_heads", 100000), Errc::range, "num_attention_heads"},
      {"long name", [](HubFolder& folder) { tensor_of(folder, "up_proj").name += std::string(2000000, 'x'); },
       Errc::limit, "2000"},
      {"many rows",
       [](HubFolder& folder) {
         HubTensor& embedding = tensor_of(folder, "embed_tokens");
         embedding.shape = {kVocab * kHidden, 1};
       },
       Errc::shape, "token_embd.weight"},
      {"long token",
       [](HubFolder& folder) { folder.tokenizer["added_tokens"][0]["content"] = std::string(100000, 'x'); },
       Errc::limit, "100000 bytes"},
      {"many templates",
       [](HubFolder& folder) {
         for (int i = 0; i < 65; ++i) {
           folder.tokenizer_config["chat_template"].push_back(
               {{"name", fmt::format("t{}", i)}, {"template", "x"}});
         }
       },
       Errc::limit, "64 chat templates"},
      {"no tokenizer", [](HubFolder& folder) { folder.tokenizer = nullptr; }, Errc::missing,
       "tokenizer.json"},
      {"activation", set("hidden_act", "relu"), Errc::unsupported, "hidden_act: 'relu'"},
      {"other activation", set("hidden_activation", "gelu"), Errc::unsupported, "'gelu'"},
      {"normalizer",
       [](HubFolder& folder) {
         folder.tokenizer["normalizer"] = {{"type", "Lowercase"}};
       },
       Errc::unsupported, "'Lowercase'"},
      {"spaces before",
       [](HubFolder& folder) { folder.tokenizer["pre_tokenizer"]["add_prefix_space"] = true; },
       Errc::unsupported, "add_prefix_space"},
      {"no merges", [](HubFolder& folder) { folder.tokenizer["model"]["merges"] = 1; }, Errc::corrupt,
       "merges"},
  };
  for (const Refused& refused : all) {
    HubFolder folder = tiny_qwen3();
    refused.spoil(folder);
    const TempDir dir;
    folder.write(dir.path() / "hub");
    dir.write("out.gguf", "old");
    std::string message;
    EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf"), {.check_tensors = true}); },
                      &message),
              refused.code)
        << refused.name;
    EXPECT_THAT(message, HasSubstr(refused.says)) << refused.name;
    EXPECT_THAT(message, HasSubstr("hub")) << refused.name;
    EXPECT_EQ(read_text(dir.file("out.gguf")), "old") << refused.name;
    EXPECT_EQ(list_folder(dir.path().string()).size(), 2u) << refused.name;
  }
}

// Counts are held against what tensors have before lists are made by them.
TEST(ConvertRefusals, PartsThatAreNotThereAreNotListed) {
  const auto refused = [](json config, const char* tensor) {
    HubFolder folder = tiny_qwen3();
    folder.config.update(config);
    folder.add(tensor, {8, kHidden}, random_values(8 * kHidden, 1));
    const TempDir dir;
    folder.write(dir.path() / "hub");
    std::string message;
    const auto code = code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf")); }, &message);
    EXPECT_THAT(message, HasSubstr(tensor));
    return code;
  };
  const json linear = {{"linear_num_key_heads", 65536},
                       {"linear_num_value_heads", 65536},
                       {"linear_key_head_dim", 1 << 20},
                       {"linear_value_head_dim", 1 << 20},
                       {"linear_conv_kernel_dim", 4}};
  for (const char* family : {"Qwen3NextForCausalLM", "Qwen3_5ForCausalLM"}) {
    json config = linear;
    config["architectures"] = {family};
    EXPECT_EQ(refused(config, family[5] == 'N' ? "model.layers.0.linear_attn.in_proj_qkvz.weight"
                                               : "model.layers.0.linear_attn.in_proj_qkv.weight"),
              Errc::shape)
        << family;
  }
}

TEST(ConvertRefusals, SharesOfAHeadAreSharesOfOne) {
  for (const double share : {-0.5, 1.5, 1e300}) {
    HubFolder folder = tiny_qwen3();
    folder.config["architectures"] = {"Glm4ForCausalLM"};
    folder.config["partial_rotary_factor"] = share;
    for (HubTensor& tensor : folder.tensors) {
      if (tensor.name.find("gate_proj") != std::string::npos)
        tensor.name = "model.layers.0.mlp.gate_up_proj.weight";
    }
    const TempDir dir;
    std::erase_if(folder.tensors, [](const HubTensor& t) {
      return t.name.find("up_proj") != std::string::npos && t.name.find("gate") == std::string::npos;
    });
    std::erase_if(folder.tensors,
                  [](const HubTensor& t) { return t.name.find("_norm") != std::string::npos; });
    folder.write(dir.path() / "hub");
    std::string message;
    EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf")); }, &message), Errc::range);
    EXPECT_THAT(message, HasSubstr("partial_rotary_factor"));
  }
}

// What is written in blocks would hide them.
TEST(ConvertRefusals, NeverPutsNansIntoBlocks) {
  HubFolder folder = tiny_qwen3();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(tensor_of(folder, "up_proj").bytes.data() + 400, &nan, sizeof nan);
  const TempDir dir;
  folder.write(dir.path() / "hub");
  const auto convert = [&](const char* type) {
    convert_model(dir.file("hub"), dir.file("out.gguf"), {.type = type});
  };
  EXPECT_EQ(code_of([&] { convert("q8_0"); }), Errc::nonfinite);
  EXPECT_NO_THROW(convert("f32"));
}

TEST(ConvertRefusals, NeverReplacesAFileOfTheFolder) {
  const TempDir dir;
  tiny_qwen3().write(dir.path() / "hub");
  fs::create_symlink(dir.path() / "hub", dir.path() / "link");
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.json"}) {
    const std::string before = read_text(dir.file(fmt::format("hub/{}", name)));
    for (const char* way : {"hub", "link", "hub/../hub"}) {
      const std::string out = dir.file(fmt::format("{}/{}", way, name));
      EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), out); }), Errc::range) << out;
    }
    EXPECT_EQ(read_text(dir.file(fmt::format("hub/{}", name))), before);
  }
  EXPECT_NO_THROW(convert_model(dir.file("hub"), dir.file("hub/out.gguf")));
  EXPECT_NO_THROW(convert_model(dir.file("hub"), dir.file("hub/out.gguf")));
  // Files that lead to where a result is written before it is whole.
  fs::rename(dir.path() / "hub/model.safetensors", dir.path() / "out.gguf.new");
  fs::create_symlink(dir.path() / "out.gguf.new", dir.path() / "hub/model.safetensors");
  EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf")); }), Errc::range);
  EXPECT_TRUE(fs::exists(dir.path() / "out.gguf.new"));
}

}  // namespace
}  // namespace longhand::test
