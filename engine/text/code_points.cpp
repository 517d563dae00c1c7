#include "engine/text/code_points.h"

#include <algorithm>

namespace longhand {
namespace {

// Encodes without knowing of surrogates; c <= kMaxCodePoint.
int encode(std::uint32_t c, std::array<std::uint8_t, 4>& out) {
  const auto tail = [c](int shift) { return std::uint8_t(0x80 | ((c >> shift) & 0x3F)); };
  const auto lead = [c](std::uint32_t mark, int shift) { return std::uint8_t(mark | (c >> shift)); };
  if (c < 0x80) return out = {std::uint8_t(c)}, 1;
  if (c < 0x800) return out = {lead(0xC0, 6), tail(0)}, 2;
  if (c < 0x10000) return out = {lead(0xE0, 12), tail(6), tail(0)}, 3;
  return out = {lead(0xF0, 18), tail(12), tail(6), tail(0)}, 4;
}

constexpr std::array<std::uint32_t, 4> kLastOfLength = {0x7F, 0x7FF, 0xFFFF, kMaxCodePoint};

// Splits [first, last] until the encodings of every piece are all combinations of one range per byte: each
// byte after one that varies must run over all of 80..BF. Needs at most two splits per byte.
void split(std::uint32_t first, std::uint32_t last, std::vector<Utf8Range>& out) {
  for (const std::uint32_t end : kLastOfLength) {
    if (first > end || last <= end) continue;
    split(first, end, out);
    return split(end + 1, last, out);
  }
  std::array<std::uint8_t, 4> low{};
  std::array<std::uint8_t, 4> high{};
  const int length = encode(first, low);
  encode(last, high);
  for (int i = 1; i < length; ++i) {
    const std::uint32_t mask = (1u << (6 * i)) - 1;
    if ((first & ~mask) == (last & ~mask)) continue;
    if ((first & mask) != 0) {
      split(first, first | mask, out);
      return split((first | mask) + 1, last, out);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, out);
      return split(last & ~mask, last, out);
    }
  }
  Utf8Range range;
  range.length = length;
  for (std::size_t i = 0; i < std::size_t(length); ++i) range.bytes[i] = {low[i], high[i]};
  out.push_back(range);
}

}  // namespace

CodePoints normalised(CodePoints ranges, bool inverted) {
  // As the gaps between sorted ranges; the surrogates are a range of the inverted set and of its inverse.
  const auto gaps = [](CodePoints taken) {
    std::sort(taken.begin(), taken.end());
    CodePoints free;
    std::uint32_t next = 0;
    for (const auto& [first, last] : taken) {
      if (first > next) free.emplace_back(next, first - 1);
      next = std::max(next, last + 1);
    }
    if (next <= kMaxCodePoint) free.emplace_back(next, kMaxCodePoint);
    return free;
  };
  if (!inverted) ranges = gaps(std::move(ranges));
  ranges.emplace_back(0xD800, 0xDFFF);
  return gaps(std::move(ranges));
}

std::vector<Utf8Range> utf8_ranges(const CodePoints& ranges) {
  std::vector<Utf8Range> out;
  for (const auto& [first, last] : ranges) split(first, last, out);
  return out;
}

std::string encode_utf8(std::uint32_t code_point) {
  std::array<std::uint8_t, 4> bytes{};
  const int length = encode(code_point, bytes);
  return {bytes.begin(), bytes.begin() + length};
}

std::optional<std::uint32_t> take_utf8(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const auto byte = [&](std::size_t i) { return std::uint32_t(std::uint8_t(text[i])); };
  const std::uint32_t lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return std::nullopt;
  std::uint32_t c = length == 1 ? lead : lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    c = c << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = length > 1 && c <= kLastOfLength[length - 2];
  if (overlong || is_surrogate(c) || c > kMaxCodePoint) return std::nullopt;
  text.remove_prefix(length);
  return c;
}

}  // namespace longhand
