#include "loaders/safetensors/safetensors_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "loaders/safetensors/json_file.h"
#include "ops/error.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostIndexBytes = std::size_t{100} << 20;
constexpr std::size_t kMostFiles = 4096;
constexpr std::string_view kSingle = "model.safetensors", kIndex = "model.safetensors.index.json";

using FilesOfTensors = std::map<std::string, std::string>;

// Which file each tensor lies in. A name of a file must not lead out of the folder.
FilesOfTensors read_index(const std::string& path) {
  const nlohmann::json index = read_json_file(path, kMostIndexBytes);
  const auto listed = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || listed == index.end() || !listed->is_object())
    throw Error(Errc::corrupt, fmt::format("{}: weight_map must be an object", path));
  FilesOfTensors files;
  for (const auto& [tensor, file] : listed->items()) {
    if (!file.is_string())
      throw Error(Errc::corrupt, fmt::format("{}: weight_map: '{}' must name a file", path, tensor));
    const std::string& name = file.get_ref<const std::string&>();
    const bool plain = !name.empty() && name != "." && name != ".." &&
                       name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain) {
      throw Error(Errc::range,
                  fmt::format("{}: weight_map: '{}' lies in '{}', must be a file of the same folder", path,
                              tensor, name));
    }
    files.emplace(tensor, name);
  }
  return files;
}

// Both sides must agree on every tensor.
void compare(const FilesOfTensors& listed, const SafetensorsFolder& folder, const std::string& path) {
  for (const StoredTensor& tensor : folder.tensors()) {
    const std::string& file = folder.files()[std::size_t(tensor.file)];
    const auto entry = listed.find(tensor.name);
    if (entry == listed.end())
      throw Error(Errc::mismatch,
                  fmt::format("{}: does not list '{}', which is in {}", path, tensor.name, file));
    if (entry->second != file) {
      throw Error(Errc::mismatch, fmt::format("{}: says that '{}' is in {}, it is in {}", path, tensor.name,
                                              entry->second, file));
    }
  }
  for (const auto& [tensor, file] : listed) {
    if (!folder.find(tensor))
      throw Error(Errc::missing, fmt::format("{}: '{}' is not in {}", path, tensor, file));
  }
}

}  // namespace

SafetensorsFolder SafetensorsFolder::open(const std::string& folder) {
  SafetensorsFolder opened;
  const std::string index = (fs::path(folder) / kIndex).string();
  std::error_code error;
  if (!fs::exists(index, error)) {
    if (!fs::exists(fs::path(folder) / kSingle, error))
      throw Error(Errc::missing, fmt::format("{}: has neither {} nor {}", folder, kSingle, kIndex));
    opened.add_file(folder, std::string(kSingle));
    opened.sort_names();
    return opened;
  }
  const FilesOfTensors listed = read_index(index);
  std::set<std::string> files;
  for (const auto& [tensor, file] : listed) files.insert(file);
  if (files.size() > kMostFiles)
    throw Error(Errc::limit,
                fmt::format("{}: {} files, must be at most {}", index, files.size(), kMostFiles));
  for (const std::string& file : files) opened.add_file(folder, file);
  opened.sort_names();
  compare(listed, opened, index);
  return opened;
}

void SafetensorsFolder::add_file(const std::string& folder, const std::string& name) {
  MappedFile file((fs::path(folder) / name).string());
  for (StoredTensor& tensor : parse_safetensors(file.bytes(), name)) {
    tensor.file = int(files_.size());
    tensors_.push_back(std::move(tensor));
  }
  names_.push_back(name);
  files_.push_back(std::move(file));
}

void SafetensorsFolder::sort_names() {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  const auto name = [&](std::size_t at) -> const std::string& { return tensors_[at].name; };
  std::ranges::sort(by_name_, {}, name);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name);
  if (twice == by_name_.end()) return;
  throw Error(Errc::duplicate,
              fmt::format("'{}' is in {} and in {}", name(*twice), names_[std::size_t(tensors_[*twice].file)],
                          names_[std::size_t(tensors_[*(twice + 1)].file)]));
}

const StoredTensor* SafetensorsFolder::find(std::string_view name) const noexcept {
  const auto at = std::ranges::lower_bound(
      by_name_, name, {}, [&](std::size_t i) -> std::string_view { return tensors_[i].name; });
  return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

void SafetensorsFolder::release(const StoredTensor& tensor) const noexcept {
  files_[std::size_t(tensor.file)].release(tensor.data);
}

}  // namespace longhand
