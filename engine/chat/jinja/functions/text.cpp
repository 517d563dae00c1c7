#include "engine/chat/jinja/functions/text.h"

#include <algorithm>

namespace longhand::jinja {

bool Text::trusted(std::size_t at) const noexcept {
  const auto flips = std::upper_bound(flips_.begin(), flips_.end(), at) - flips_.begin();
  return first_ == (flips % 2 == 0);
}

std::size_t Text::mark_bytes(std::size_t begin, std::size_t end) const noexcept {
  const auto first = std::upper_bound(flips_.begin(), flips_.end(), begin);
  return std::size_t(std::lower_bound(first, flips_.end(), end) - first) * sizeof(std::uint32_t);
}

void Text::append(std::string_view bytes, bool trust) {
  if (bytes.empty()) return;
  const bool last = first_ == (flips_.size() % 2 == 0);
  if (bytes_.empty()) {
    first_ = trust;
  } else if (last != trust) {
    flips_.push_back(std::uint32_t(bytes_.size()));
  }
  bytes_.append(bytes);
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  if (other.flips_.empty()) return append(other.view().substr(begin, end - begin), other.first_);
  auto flip = std::upper_bound(other.flips_.begin(), other.flips_.end(), begin);
  bool trust = other.first_ == ((flip - other.flips_.begin()) % 2 == 0);
  while (begin < end) {
    const std::size_t stop = flip == other.flips_.end() ? end : std::min<std::size_t>(end, *flip++);
    append(other.view().substr(begin, stop - begin), trust);
    begin = stop;
    trust = !trust;
  }
}

Text Text::slice(std::size_t begin, std::size_t end) const {
  Text out;
  out.append(*this, begin, end);
  return out;
}

Text Text::repeated(std::size_t times) const {
  Text out;
  out.reserve(size() * times);
  if (!flips_.empty()) {
    for (std::size_t i = 0; i < times; ++i) out.append(*this);
    return out;
  }
  // One kind of trust: doubling needs few copies however short the text is.
  out.first_ = first_;
  if (times > 0) out.bytes_ = bytes_;
  const std::size_t total = size() * times;
  while (out.size() < total) out.bytes_.append(out.bytes_, 0, std::min(out.size(), total - out.size()));
  return out;
}

std::size_t char_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return std::uint8_t(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0xC2 || lead > 0xF4) return 1;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (at + length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 1;
  }
  const unsigned second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  return overlong || surrogate || (lead == 0xF4 && second >= 0x90) ? 1 : length;
}

char32_t char_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return char32_t(std::uint8_t(text[i])); };
  switch (char_length(text, at)) {
    case 2:
      return (byte(at) & 0x1F) << 6 | (byte(at + 1) & 0x3F);
    case 3:
      return (byte(at) & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F);
    case 4:
      return (byte(at) & 0x07) << 18 | (byte(at + 1) & 0x3F) << 12 | (byte(at + 2) & 0x3F) << 6 |
             (byte(at + 3) & 0x3F);
    default:
      return byte(at) < 0x80 ? byte(at) : 0xDC00 + byte(at);
  }
}

std::size_t char_before(std::string_view text, std::size_t end) noexcept {
  for (std::size_t length = 2; length <= 4 && length <= end; ++length) {
    if (char_length(text, end - length) == length) return end - length;
  }
  return end - 1;
}

void append_char(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out.push_back(char(std::uint8_t(byte))); };
  if (code >= 0xDC80 && code <= 0xDCFF) return put(code - 0xDC00);
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

}  // namespace longhand::jinja
