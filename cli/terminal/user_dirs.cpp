#include "cli/terminal/user_dirs.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace longhand::cli {
namespace {

// A relative path in one of the variables is to be ignored (XDG Base Directory Specification).
std::string folder(const char* variable, const char* below_home) {
  if (std::string path = environment(variable); path.starts_with('/')) return path;
  const std::string home = home_folder();
  return home.empty() ? "" : home + below_home;
}

std::string own(const std::string& base) { return base.empty() ? base : base + "/longhand"; }

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string home_folder() {
  std::string home = environment("HOME");
  return home.starts_with('/') ? home : "";
}

std::string state_folder() { return own(folder("XDG_STATE_HOME", "/.local/state")); }
std::string data_folder() { return own(folder("XDG_DATA_HOME", "/.local/share")); }
std::string cache_home() { return folder("XDG_CACHE_HOME", "/.cache"); }

std::string expand_home(const std::string& path) {
  return path == "~" || path.starts_with("~/") ? home_folder() + path.substr(1) : path;
}

void make_private_folder(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), ignored);
  ::mkdir(folder.c_str(), 0700);
}

}  // namespace longhand::cli
