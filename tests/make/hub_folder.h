// A model folder as Hugging Face keeps them, written by tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace longhand::test {

struct HubTensor {
  std::string name, type = "F32";
  std::vector<std::uint64_t> shape;  // the last index is contiguous
  std::string bytes;
};

HubTensor hub_tensor(const std::string& name, std::vector<std::uint64_t> shape,
                     const std::vector<float>& values);

/// The bytes of a file with these tensors in their order.
std::string safetensors_bytes(const std::vector<HubTensor>& tensors);
/// A file with this header and these bytes behind it.
std::string safetensors_file(const std::string& header, const std::string& data);

struct HubFolder {
  nlohmann::json config, tokenizer, tokenizer_config, generation_config;  // null: no such file
  std::vector<HubTensor> tensors;

  void add(const std::string& name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
    tensors.push_back(hub_tensor(name, std::move(shape), values));
  }
  /// All tensors in model.safetensors.
  void write(const std::filesystem::path& folder) const;
  /// In `parts` files with an index.
  void write_parts(const std::filesystem::path& folder, std::size_t parts) const;

 private:
  void write_documents(const std::filesystem::path& folder) const;
};

/// Values that every type of weights holds as they are.
std::vector<float> random_values(std::uint64_t count, unsigned seed);

inline constexpr std::uint64_t kHidden = 64, kHeads = 2, kSize = 32, kFf = 96, kVocab = 40;
/// One layer of Qwen3 with these sizes: of the residual stream, heads, a head, the feed-forward network and
/// the vocabulary. The last tensor is mlp.down_proj.
HubFolder tiny_qwen3();
/// The first tensor whose name has `part`.
HubTensor& tensor_of(HubFolder& folder, const std::string& part);

}  // namespace longhand::test
