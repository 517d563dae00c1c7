// The vocabulary of a file as plain data: what the tokenizer is built from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"

namespace longhand {

using Token = std::int32_t;
inline constexpr Token kNoToken = -1;

enum class VocabKind : std::uint8_t { none, spm, bpe, bpe_raw, unigram, wordpiece, rwkv };
enum class TokenType : std::uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

/// Strings are views into the file, which must outlive the vocabulary.
struct Vocab {
  VocabKind kind = VocabKind::none;
  std::string pre;                       // tokenizer.ggml.pre
  std::vector<std::string_view> tokens;  // (vocab) text of each token
  std::vector<float> scores;             // (vocab) or empty
  std::vector<TokenType> types;          // (vocab)
  std::vector<std::string_view> merges;  // (merges) "A B", rank = index
  Token bos = kNoToken, eos = kNoToken, eot = kNoToken, eom = kNoToken, unk = kNoToken, sep = kNoToken,
        pad = kNoToken, mask = kNoToken;
  Token fim_pre = kNoToken, fim_suf = kNoToken, fim_mid = kNoToken, fim_pad = kNoToken, fim_rep = kNoToken,
        fim_sep = kNoToken;
  bool add_bos = false, add_eos = false, add_sep = false, add_space_prefix = false;
  bool clean_spaces = false;         // decoding removes spaces before punctuation
  bool once_cleaned_spaces = false;  // libraries did so by default until 2026
  bool ignore_merges = false, remove_extra_whitespaces = false, lowercase = true, strip_accents = true;
  std::vector<Token> end_of_generation;  // sorted; tokens that end an answer
  std::vector<Token> suppressed;         // logits forced to -inf
  std::vector<Token> strip_left,
      strip_right;                      // sorted; special tokens that swallow white space before, after them
  std::span<const std::byte> charsmap;  // unigram normaliser
  std::string chat_template;            // Jinja text or empty
  std::string model_name;               // general.name
  std::vector<std::string> warnings;    // oddities worth telling the user once
};

/// Reads the vocabulary; works on files without tensors and for any architecture.
/// Throws Error: missing, type, range, unsupported (tokenizer model or pre-tokenizer unknown, naming it).
Vocab load_vocab(const Gguf& file);

}  // namespace longhand
