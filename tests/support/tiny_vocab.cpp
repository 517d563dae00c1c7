#include "tests/support/tiny_vocab.h"

#include <fmt/format.h>

#include <deque>
#include <string>

namespace longhand::test {

Vocab tiny_vocab(bool add_bos, bool add_space_prefix) {
  static const std::deque<std::string> kBytes = [] {
    std::deque<std::string> names;
    for (int i = 0; i < 256; ++i) names.push_back(fmt::format("<0x{:02X}>", i));
    return names;
  }();
  Vocab vocab;
  vocab.kind = VocabKind::spm;
  const auto add = [&](std::string_view text, TokenType type, float score = 0) {
    vocab.tokens.push_back(text);
    vocab.types.push_back(type);
    vocab.scores.push_back(score);
  };
  add("<unk>", TokenType::unknown);
  for (const char* control : {"<s>", "</s>", "<|im_start|>", "<|im_end|>"}) add(control, TokenType::control);
  for (const std::string& name : kBytes) add(name, TokenType::byte);
  float score = -1;
  for (const char* piece : {"abc", "ab", "a", "b", "c", "\xE2\x96\x81"})
    add(piece, TokenType::normal, score--);
  vocab.unk = 0;
  vocab.bos = kTinyBos;
  vocab.eos = kTinyEos;
  vocab.add_bos = add_bos;
  vocab.add_space_prefix = add_space_prefix;
  vocab.end_of_generation = {kTinyEos, kTinyEnd};
  return vocab;
}

}  // namespace longhand::test
