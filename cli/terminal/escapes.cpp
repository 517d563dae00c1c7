#include "cli/terminal/escapes.h"

namespace longhand::cli {

std::string unescape(std::string_view text) {
  constexpr std::string_view kWritten = "nrt\\\"'", kMeant = "\n\r\t\\\"'";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto known =
        text[i] == '\\' && i + 1 < text.size() ? kWritten.find(text[i + 1]) : std::string_view::npos;
    out += known == std::string_view::npos ? text[i] : kMeant[known];
    if (known != std::string_view::npos) ++i;
  }
  return out;
}

}  // namespace longhand::cli
