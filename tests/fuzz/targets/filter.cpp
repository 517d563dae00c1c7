// The output filter: nothing but text reaches the terminal, however it is cut, and filtering twice is once.
#include "cli/terminal/output_filter.h"

#include "engine/text/unicode.h"
#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {
namespace {

void check_harmless(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    check(c.valid, "what is shown is UTF-8");
    const bool control =
        (c.code < 0x20 && c.code != '\n' && c.code != '\t') || (c.code >= 0x7F && c.code < 0xA0);
    const bool turned = (c.code >= 0x202A && c.code <= 0x202E) || (c.code >= 0x2066 && c.code <= 0x2069);
    check(!control && !turned && (c.code < 0xE0000 || c.code > 0xE007F), "what is shown controls nothing");
    at += c.length;
  }
}

}  // namespace

void run(std::string_view input) {
  constexpr std::size_t kMost = 4096;
  Input in(input.substr(0, kMost));
  const std::size_t step = in.number() % 7 + 1;
  const std::string_view text = in.rest();
  const std::string shown = cli::make_visible(text);
  check_harmless(shown);
  check(cli::make_visible(shown) == shown, "filtering filtered text changes nothing");

  cli::OutputFilter filter;
  std::string streamed;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string chunk = filter.push(text.substr(at, step));
    check_harmless(chunk);
    streamed += chunk;
  }
  streamed += filter.finish();
  check(cli::make_visible(streamed) == shown, "a stream shows what the whole text does");
  const std::string escaped = escape_controls(text, 500);
  check(escaped.size() <= 500 && escape_controls(escaped, 500) == escaped,
        "messages are escaped once for all");
}

}  // namespace longhand::fuzz
