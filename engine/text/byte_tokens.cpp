#include "engine/text/byte_tokens.h"

namespace longhand {
namespace {

constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<unsigned char> parse_byte_token(std::string_view text) noexcept {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_digit(text[3]), low = hex_digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return std::uint8_t(high * 16 + low);
}

std::array<Token, 256> find_byte_tokens(const Vocab& vocab) {
  std::array<Token, 256> escaped, plain;
  escaped.fill(kNoToken);
  plain.fill(kNoToken);
  const auto keep_first = [](Token& place, std::size_t token) {
    if (place == kNoToken) place = Token(token);
  };
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (vocab.types[i] == TokenType::control || vocab.types[i] == TokenType::unknown) continue;
    const std::string_view text = vocab.tokens[i];
    if (text.size() == 1) keep_first(plain[std::uint8_t(text[0])], i);
    if (const auto byte = parse_byte_token(text)) keep_first(escaped[*byte], i);
  }
  for (std::size_t b = 0; b < escaped.size(); ++b) {
    if (escaped[b] == kNoToken) escaped[b] = plain[b];
  }
  return escaped;
}

}  // namespace longhand
