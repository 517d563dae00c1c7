// Tokens that stand for one byte each.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "loaders/vocab/vocab.h"

namespace longhand {

/// The byte of a token text "<0x41>": exactly two hexadecimal digits.
std::optional<unsigned char> parse_byte_token(std::string_view text) noexcept;

/// The lowest token "<0x00>" ... "<0xFF>" of each byte, or failing that the token whose whole text is the
/// byte; or kNoToken. Control tokens do not count.
std::array<Token, 256> find_byte_tokens(const Vocab& vocab);

}  // namespace longhand
