#include "cli/measure/bench/synthetic_vocab.h"

#include <fmt/format.h>

#include "engine/text/byte_map.h"
#include "engine/text/code_points.h"
#include "loaders/vocab/vocab.h"

namespace longhand::cli {
namespace {

// Other engines refuse a vocabulary without merges. U+0120 is the byte-level form of a space.
constexpr std::pair<const char*, const char*> kMerges[] = {
    {"\xC4\xA0", "t"}, {"h", "e"}, {"i", "n"}, {"r", "e"}, {"o", "n"}, {"\xC4\xA0t", "he"}};
constexpr const char* kControls[] = {"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"};

}  // namespace

void add_synthetic_vocab(GgufHead& head, int size) {
  std::vector<std::string> tokens, merges;
  for (const char32_t c : kByteCharacters) tokens.push_back(encode_utf8(c));
  for (const auto& [left, right] : kMerges) {
    tokens.push_back(std::string(left) + right);
    merges.push_back(fmt::format("{} {}", left, right));
  }
  const auto n = std::size_t(size), controls = std::size(kControls);
  std::vector<std::int32_t> types(tokens.size(), std::int32_t(TokenType::normal));
  while (tokens.size() < n - controls) tokens.push_back(fmt::format("<unused{}>", tokens.size()));
  types.resize(tokens.size(), std::int32_t(TokenType::unused));
  for (const char* control : kControls) tokens.emplace_back(control);
  types.resize(tokens.size(), std::int32_t(TokenType::control));

  const auto id = std::uint32_t(n - controls);
  head.entries.push_back(gguf_entry(std::string(key::tokenizer_model.name), "gpt2"));
  head.entries.push_back(gguf_entry(std::string(key::tokenizer_pre.name), "llama-bpe"));
  head.entries.push_back(gguf_array(std::string(key::tokens.name), tokens));
  head.entries.push_back(gguf_array(std::string(key::token_types.name), types));
  head.entries.push_back(gguf_array(std::string(key::merges.name), merges));
  head.entries.push_back(gguf_entry(std::string(key::bos_id.name), id));
  head.entries.push_back(gguf_entry(std::string(key::eos_id.name), id + 1));
  head.entries.push_back(gguf_entry(std::string(key::eot_id.name), id + 2));
}

}  // namespace longhand::cli
