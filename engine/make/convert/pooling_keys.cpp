#include "engine/make/convert/pooling_keys.h"

#include <filesystem>

#include "engine/make/convert/hub_config.h"
#include "loaders/safetensors/json_file.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostJsonBytes = std::size_t{1} << 20;

struct PoolingRow {
  std::string_view flag, name;  // of older and of newer files
  std::int64_t type;            // the key's value
};
constexpr PoolingRow kPoolings[] = {{"pooling_mode_mean_tokens", "mean", 1},
                                    {"pooling_mode_cls_token", "cls", 2},
                                    {"pooling_mode_lasttoken", "lasttoken", 3}};

// The folder of the module that pools; "" where none does.
std::string pooling_place(const nlohmann::json& modules, const std::string& where) {
  for (const nlohmann::json& module : modules) {
    const HubConfig entry(module, where);
    const std::string place = entry.find_text("path").value_or("");
    if (!entry.find_text("type").value_or("").ends_with("Pooling")) continue;
    if (place.empty() || fs::path(place).has_parent_path() || place == "..")
      entry.fail(Errc::range, "path", "must be a folder of this one");
    return place;
  }
  return "";
}

}  // namespace

bool add_pooling_keys(const std::string& folder, ModelKeys& keys) {
  const std::string modules = (fs::path(folder) / "modules.json").string();
  std::error_code error;
  if (!fs::exists(modules, error)) return false;
  const std::string place = pooling_place(read_json_file(modules, kMostJsonBytes), modules);
  if (place.empty()) return false;
  const std::string path = (fs::path(folder) / place / "config.json").string();
  const HubConfig config(read_json_file(path, kMostJsonBytes), path);
  for (const PoolingRow& row : kPoolings) {
    if (config.flag_or(row.flag, false) || config.find_text("pooling_mode") == row.name) {
      keys.count("pooling_type", row.type);
      return true;
    }
  }
  config.fail(Errc::unsupported, "pooling_mode", "a way to pool that is not known");
}

}  // namespace longhand
