// CRC-32C, which finds every change of up to three bits and every burst of 32 in files of our size.
#pragma once

#include <cstdint>
#include <string_view>

namespace longhand::cli {

/// Castagnoli's polynomial, as in iSCSI and ext4: crc32c("123456789") is 0xE3069283.
std::uint32_t crc32c(std::string_view bytes) noexcept;

}  // namespace longhand::cli
