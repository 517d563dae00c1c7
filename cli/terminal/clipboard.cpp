#include "cli/terminal/clipboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal/output.h"
#include "cli/terminal/terminal.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// xterm takes 100,000 bytes of an OSC 52 sequence, hterm 75,000 of text; most others more.
constexpr std::size_t kMaxText = 74'000;

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < group.size() ? std::uint8_t(group[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

void copy_to_clipboard(std::string_view text) {
  if (!takes_escapes(STDERR_FILENO)) {
    throw Error(Errc::unsupported, "/copy needs a terminal that takes escape sequences on standard error");
  }
  if (text.size() > kMaxText) {
    throw Error(Errc::limit,
                fmt::format("the answer has {} bytes, must be at most {} for terminals to take it",
                            text.size(), kMaxText));
  }
  write_error(fmt::format("\x1b]52;c;{}\x07", base64(text)));
}

}  // namespace longhand::cli
