// CRC-32C, which finds every change of up to three bits and every burst of 32 in files of our size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace longhand {

/// Castagnoli's polynomial, as in iSCSI and ext4: crc32c("123456789") is 0xE3069283. `before` is the checksum
/// of what goes before: crc32c(b, crc32c(a)) is that of a and b.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

}  // namespace longhand
