#include "cli/terminal/text_file.h"

#include <string_view>
#include <utility>

#include "cli/terminal/output.h"

namespace longhand::cli {

std::string without_mark(std::string text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";  // U+FEFF
  if (text.starts_with(kMark)) text.erase(0, kMark.size());
  return text;
}

std::string plain_text(std::string text) {
  text = without_mark(std::move(text));
  auto out = text.begin();
  for (auto in = text.begin(); in != text.end(); ++in) {
    const bool ends_line = *in == '\r' && in + 1 != text.end() && in[1] == '\n';
    if (!ends_line) *out++ = *in;
  }
  text.erase(out, text.end());
  return text;
}

std::string read_plain_text(const std::string& path) { return plain_text(read_text(path)); }

}  // namespace longhand::cli
