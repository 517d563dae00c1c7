// Text to tokens and back: the front door to every kind of vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/vocab.h"

namespace longhand {

struct EncodeFlags {
  bool add_special = true;  ///< begin- and end-of-text tokens where the vocabulary asks for them
  bool parse_special =
      false;  ///< control tokens written out in the text become those tokens; never for user text
};

/// Immutable after construction; all members may be called from many threads at once.
class Tokenizer {
 public:
  explicit Tokenizer(Vocab vocab);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  const Vocab& vocab() const noexcept;
  int size() const noexcept;

  /// Tokens of `text` (any bytes). Time is O(n log n) in its length.
  std::vector<Token> encode(std::string_view text, EncodeFlags flags = {}) const;

  /// A segmentation drawn with probability proportional to product(p(token))^alpha; the same seed draws the
  /// same one. Throws Error (unsupported) for vocabularies that are not unigram.
  std::vector<Token> encode_sampled(std::string_view text, double alpha, std::uint64_t seed,
                                    EncodeFlags flags = {}) const;

  /// Raw bytes of one token as it is streamed. Control tokens give nothing unless `show_special`.
  std::string piece(Token token, bool show_special = false) const;

  /// Whole-text detokenisation: leading space and clean-up rules of the vocabulary apply.
  /// remove_special drops begin- and end-of-text; unparse_special writes control tokens out.
  std::string decode(std::span<const Token> tokens, bool remove_special = true,
                     bool unparse_special = false) const;

  bool ends_generation(Token token) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Joins streamed pieces and releases only whole UTF-8 characters.
class Utf8Stream {
 public:
  /// Appends bytes and returns all characters now complete; invalid bytes come out as U+FFFD.
  std::string push(std::string_view bytes);
  /// What is left at the end: an unfinished character as U+FFFD.
  std::string finish();

 private:
  std::string held_;  // at most 3 bytes of an unfinished character
};

}  // namespace longhand
