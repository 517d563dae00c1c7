#include "loaders/gguf/gguf_reader.h"

#include <fmt/format.h>

#include "ops/utf8.h"

namespace longhand {
namespace {

// Valid UTF-8 without C0 and C1 controls and DEL. What else is invisible is shown escaped, not refused.
bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    const char32_t code = utf8_code(text.substr(0, n));
    if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string describe(const GgufItem& item) {
  if (!item.name.empty()) return fmt::format("{} {}", item.kind, quote(item.name));
  if (item.index != 0) return fmt::format("{} #{}", item.kind, item.index);
  return std::string(item.kind);
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 80;  // bytes; a file name and a key together fill a third of a message
  const std::string shown = escape_controls(text, kShown);
  const bool cut =
      text.size() > kShown || escape_controls(text.substr(0, kShown), 4 * kShown).size() > shown.size();
  return fmt::format("'{}{}'", shown, cut ? "..." : "");
}

std::span<const std::byte> GgufReader::take(std::uint64_t bytes, std::string_view field) {
  if (bytes > bytes_left()) {
    fail(Errc::truncated, offset_,
         fmt::format("{} needs {} bytes, the file has {} left", field, bytes, bytes_left()));
  }
  const auto taken = file_.subspan(offset_, bytes);
  offset_ += bytes;
  return taken;
}

std::string_view GgufReader::text(std::string_view field, std::uint64_t max_bytes) {
  const std::uint64_t start = offset_;
  const auto length = number<std::uint64_t>(field);
  if (length > max_bytes) {
    fail(Errc::limit, start,
         fmt::format("{} is {} bytes long, at most {} are allowed", field, length, max_bytes));
  }
  const auto bytes = take(length, field);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view GgufReader::name(std::string_view field, std::uint64_t max_bytes) {
  const std::uint64_t start = offset_;
  const std::string_view text = this->text(field, max_bytes);
  if (text.empty())
    fail(Errc::range, start, fmt::format("{} is empty, must be 1..{} bytes long", field, max_bytes));
  if (!is_printable(text)) {
    fail(Errc::range, start, fmt::format("{} {} must be UTF-8 without control bytes", field, quote(text)));
  }
  return text;
}

std::uint64_t GgufReader::count(std::string_view field, std::uint64_t max_count, std::uint64_t least_bytes) {
  const std::uint64_t start = offset_;
  const auto count = number<std::uint64_t>(field);
  if (count > max_count)
    fail(Errc::limit, start, fmt::format("{} is {}, at most {} are allowed", field, count, max_count));
  if (count > bytes_left() / least_bytes) {
    fail(Errc::truncated, start,
         fmt::format("{} is {}, which need at least {} bytes each, but the file has {} left", field, count,
                     least_bytes, bytes_left()));
  }
  return count;
}

void GgufReader::fail(Errc code, std::uint64_t offset, std::string_view what) const {
  throw Error(code, fmt::format("{}: {}: {} (offset {})", escape_controls(file_name_, 120), describe(item_),
                                what, offset));
}

}  // namespace longhand
