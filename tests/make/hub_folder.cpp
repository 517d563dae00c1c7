#include "tests/make/hub_folder.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>

namespace longhand::test {
namespace {

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
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

}  // namespace longhand::test
