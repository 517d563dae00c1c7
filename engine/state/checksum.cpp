#include "engine/state/checksum.h"

#include <array>

namespace longhand {
namespace {

constexpr std::size_t kSlices = 8;  // bytes a step takes

// tables[k][b]: what the byte b does to the checksum when k more bytes follow it. The bytes of one step are
// then looked up independently of each other (Kounavis and Berry 2008).
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;
constexpr Tables make_tables() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41 with its bits in reverse
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t value = tables[k - 1][byte];
      tables[k][byte] = value >> 8 ^ tables[0][value & 0xFF];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  std::uint32_t value = ~before;
  const std::byte* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; left -= kSlices, p += kSlices) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      const std::uint32_t of_value = i < sizeof value ? value >> 8 * i & 0xFF : 0;
      next ^= kTables[kSlices - 1 - i][of_value ^ std::to_integer<std::uint32_t>(p[i])];
    }
    value = next;
  }
  for (; left > 0; --left, ++p)
    value = value >> 8 ^ kTables[0][(value ^ std::to_integer<std::uint32_t>(*p)) & 0xFF];
  return ~value;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept {
  return crc32c(std::as_bytes(std::span(bytes)), before);
}

}  // namespace longhand
