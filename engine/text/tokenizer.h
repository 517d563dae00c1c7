// Text to tokens and back: the front door to every kind of vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/vocab/vocab.h"

namespace longhand {

struct EncodeFlags {
  bool add_special = true;  ///< begin- and end-of-text tokens where the vocabulary asks for them
  bool parse_special =
      false;  ///< control tokens written out in the text become those tokens; never for user text
  bool continues_text = false;  ///< something stands before the text: it gets no space prefix
};

struct DecodeFlags {
  bool remove_special = true;    ///< begin- and end-of-text tokens around the text are left out
  bool unparse_special = false;  ///< control tokens are written out
  /// Remove the spaces before punctuation and contractions where the vocabulary's library once did so for its
  /// kind. It also removes spaces that the text had. WordPiece, which keeps no spaces, always has it done.
  bool clean_spaces = false;
  bool continues_text = false;  ///< something stands before the tokens: a leading space belongs to the text
};

/// Immutable after construction; all members may be called from many threads at once.
class Tokenizer {
 public:
  explicit Tokenizer(Vocab vocab);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  const Vocab& vocab() const noexcept;
  int size() const noexcept;

  /// Tokens of `text` (any bytes). Time grows as its length does.
  std::vector<Token> encode(std::string_view text, EncodeFlags flags = {}) const;

  /// A segmentation drawn with probability proportional to product(p(token))^alpha; the same seed draws the
  /// same one. Throws Error (unsupported) for vocabularies that are not unigram.
  std::vector<Token> encode_sampled(std::string_view text, double alpha, std::uint64_t seed,
                                    EncodeFlags flags = {}) const;

  /// Raw bytes of one token as it is streamed. Control tokens give nothing unless `show_special`.
  std::string piece(Token token, bool show_special = false) const;

  /// Whole-text detokenisation. The space that a vocabulary puts before every text is dropped, unless the
  /// tokens continue one.
  std::string decode(std::span<const Token> tokens, DecodeFlags flags = {}) const;
  std::string decode(std::span<const Token> tokens, bool remove_special, bool unparse_special) const {
    return decode(tokens, {.remove_special = remove_special, .unparse_special = unparse_special});
  }

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
