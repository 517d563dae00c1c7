#include "cli/models/models_path.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBundledModel = "guide/guide-q8_0.gguf";

std::vector<fs::path> bundled_places() {
  std::vector<fs::path> places;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty())
    places.push_back(program.parent_path().parent_path() / "share/longhand/models" / kBundledModel);
  places.push_back(fs::path(LONGHAND_SOURCE_DIR) / "models" / kBundledModel);
  return places;
}

}  // namespace

std::string bundled_model() {
  for (const fs::path& place : bundled_places()) {
    std::error_code ignored;
    if (fs::is_regular_file(place, ignored)) return place.string();
  }
  return "";
}

std::string named_model(const std::string& given) {
  return given.empty() ? environment(kModelVariable) : given;
}

std::string find_model(const std::string& given) {
  if (std::string named = named_model(given); !named.empty()) return named;
  if (std::string bundled = bundled_model(); !bundled.empty()) return bundled;
  std::string looked;
  for (const fs::path& place : bundled_places()) looked += (looked.empty() ? "" : ", ") + place.string();
  throw Error(Errc::missing,
              fmt::format("no model named and the bundled one not found (looked for {})", looked));
}

}  // namespace longhand::cli
