#include "engine/state/checksum.h"

#include <gtest/gtest.h>

#include <string>

namespace longhand {
namespace {

// By the definition: a division of polynomials, bit by bit.
std::uint32_t divided(std::string_view bytes) {
  std::uint32_t value = 0xFFFFFFFF;
  for (const char c : bytes) {
    value ^= std::uint8_t(c);
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82F63B78 : 0);
  }
  return ~value;
}

TEST(Checksum, IsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  std::string text;
  for (int i = 0; i < 100; ++i, text += char(i * i)) EXPECT_EQ(crc32c(text), divided(text)) << i;
}

TEST(Checksum, OfPartsInTurnIsThatOfTheWhole) {
  const std::string text = "Whatever is cut in two must give the same.";
  for (std::size_t at = 0; at <= text.size(); ++at)
    EXPECT_EQ(crc32c(text.substr(at), crc32c(text.substr(0, at))), crc32c(text)) << at;
}

}  // namespace
}  // namespace longhand
