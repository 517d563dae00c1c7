// Characters of UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace longhand {

/// Bytes of the character that `text` begins with; 0 where these are no valid sequence.
std::size_t utf8_length(std::string_view text) noexcept;
/// The character that a valid sequence encodes.
char32_t utf8_code(std::string_view sequence) noexcept;

}  // namespace longhand
