// What needs no network to be said of URLs and checksums.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

#include "cli/pull/http.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/user_dirs.h"

namespace longhand::cli {

std::string host_of(const std::string& url) {
  const auto start = url.find("://");
  if (start == std::string::npos) return "";
  const std::string rest = url.substr(start + 3);
  const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = authority.rfind('@');
  return at == std::string::npos ? authority : authority.substr(at + 1);
}

std::string server_of(const char* variable, const char* usual) {
  std::string base = environment(variable);
  while (base.ends_with('/')) base.pop_back();
  return base.empty() ? usual : base;
}

std::string url_path(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        std::isalnum(std::uint8_t(c)) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", std::uint8_t(c));
  }
  return out;
}

bool is_sha256(std::string_view text) noexcept {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace longhand::cli
