#include "tests/make/hub_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

namespace longhand::test {
namespace {

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

nlohmann::json tiny_tokenizer() {
  nlohmann::json vocab, merges = nlohmann::json::array();
  for (int i = 0; i < 36; ++i) vocab[std::string(1, char(i < 26 ? 'a' + i : '0' + i - 26))] = i;
  vocab["th"] = 36;
  vocab["\xC4\xA0"] = 37;  // the stand-in for a space
  merges.push_back("t h");
  return {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}},
          {"added_tokens", {{{"id", 38}, {"content", "<|endoftext|>"}, {"special", true}}}},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"use_regex", true}}}};
}

}  // namespace

HubTensor hub_tensor(const std::string& name, std::vector<std::uint64_t> shape,
                     const std::vector<float>& values) {
  HubTensor tensor{name, "F32", std::move(shape), std::string(values.size() * sizeof(float), '\0')};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

std::string safetensors_file(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + header + data;
}

std::string safetensors_bytes(const std::vector<HubTensor>& tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const HubTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.type},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  return safetensors_file(header.dump(), data);
}

void HubFolder::write_documents(const std::filesystem::path& folder) const {
  std::filesystem::create_directories(folder);
  const std::pair<const char*, const nlohmann::json*> documents[] = {
      {"config.json", &config},
      {"tokenizer.json", &tokenizer},
      {"tokenizer_config.json", &tokenizer_config},
      {"generation_config.json", &generation_config}};
  for (const auto& [name, document] : documents) {
    if (!document->is_null()) write_file(folder / name, document->dump());
  }
}

void HubFolder::write(const std::filesystem::path& folder) const {
  write_documents(folder);
  write_file(folder / "model.safetensors", safetensors_bytes(tensors));
}

void HubFolder::write_parts(const std::filesystem::path& folder, std::size_t parts) const {
  write_documents(folder);
  nlohmann::json index;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", part + 1, parts);
    std::vector<HubTensor> own;
    for (std::size_t i = part; i < tensors.size(); i += parts) {
      own.push_back(tensors[i]);
      index["weight_map"][tensors[i].name] = name;
    }
    write_file(folder / name, safetensors_bytes(own));
  }
  write_file(folder / "model.safetensors.index.json", index.dump());
}

std::vector<float> random_values(std::uint64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  // Few bits, so that every type below holds them as they are.
  for (float& x : values) x = float(int(random() % 65) - 32) / 64;
  return values;
}

HubFolder tiny_qwen3() {
  HubFolder folder;
  folder.config = {{"architectures", {"Qwen3ForCausalLM"}},
                   {"num_hidden_layers", 1},
                   {"hidden_size", kHidden},
                   {"intermediate_size", kFf},
                   {"num_attention_heads", kHeads},
                   {"num_key_value_heads", 1},
                   {"head_dim", kSize},
                   {"rms_norm_eps", 1e-6},
                   {"rope_theta", 10000.0},
                   {"max_position_embeddings", 512},
                   {"tie_word_embeddings", true},
                   {"vocab_size", kVocab}};
  folder.tokenizer = tiny_tokenizer();
  folder.tokenizer_config = {{"eos_token", "<|endoftext|>"}, {"add_bos_token", false}};
  unsigned seed = 0;
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t dimension : shape) count *= dimension;
    folder.add(name, std::move(shape), random_values(count, ++seed));
  };
  const std::string layer = "model.layers.0.";
  add("model.embed_tokens.weight", {kVocab, kHidden});
  add("model.norm.weight", {kHidden});
  add(layer + "input_layernorm.weight", {kHidden});
  add(layer + "post_attention_layernorm.weight", {kHidden});
  add(layer + "self_attn.q_proj.weight", {kHeads * kSize, kHidden});
  add(layer + "self_attn.k_proj.weight", {kSize, kHidden});
  add(layer + "self_attn.v_proj.weight", {kSize, kHidden});
  add(layer + "self_attn.o_proj.weight", {kHidden, kHeads * kSize});
  add(layer + "self_attn.q_norm.weight", {kSize});
  add(layer + "self_attn.k_norm.weight", {kSize});
  add(layer + "mlp.gate_proj.weight", {kFf, kHidden});
  add(layer + "mlp.up_proj.weight", {kFf, kHidden});
  add(layer + "mlp.down_proj.weight", {kHidden, kFf});
  return folder;
}

HubTensor& tensor_of(HubFolder& folder, const std::string& part) {
  return *std::ranges::find_if(folder.tensors,
                               [&](const HubTensor& t) { return t.name.find(part) != std::string::npos; });
}

}  // namespace longhand::test
