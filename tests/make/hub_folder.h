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

}  // namespace longhand::test
