// Streamed bytes, cut anywhere: whole characters come out, and together they are the text.
#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"
#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {
namespace {

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded character = decode_utf8(text, at);
    if (!character.valid) return false;
    at += character.length;
  }
  return true;
}

class Stream {
 public:
  void push(std::string_view bytes) { keep(stream_.push(bytes)); }
  std::string finish() {
    keep(stream_.finish());
    return std::move(out_);
  }

 private:
  void keep(const std::string& chunk) {
    check(is_utf8(chunk), "every chunk is whole characters");
    out_ += chunk;
  }
  Utf8Stream stream_;
  std::string out_;
};

}  // namespace

void run(std::string_view input) {
  constexpr std::size_t kMost = 4096;  // cut at every byte below
  Input in(input.substr(0, kMost));
  const std::size_t step = in.number() % 7 + 1;
  const std::string_view text = in.rest();
  const std::string whole = replace_invalid(text);
  check(is_utf8(whole), "replacing invalid bytes makes UTF-8");
  check(replace_invalid(whole) == whole, "replacing invalid bytes changes no valid text");

  Stream pieces;
  for (std::size_t at = 0; at < text.size(); at += step) pieces.push(text.substr(at, step));
  check(pieces.finish() == whole, "chunks join to the text");
  const std::size_t last = text.size() < 256 ? text.size() : 256;
  for (std::size_t at = 0; at <= last; ++at) {
    Stream two;
    two.push(text.substr(0, at));
    two.push(text.substr(at));
    check(two.finish() == whole, "a text cut anywhere joins to itself");
  }
}

}  // namespace longhand::fuzz
