// Byte-pair encoding: over bytes (GPT-2) or over UTF-8 with bytes as the last resort (Gemma 4).
#pragma once

#include <array>
#include <deque>
#include <string>

#include "engine/text/encoder.h"
#include "engine/text/merger.h"
#include "engine/text/pretokenize.h"
#include "engine/text/whole_words.h"
#include "loaders/vocab/text_index.h"

namespace longhand {

class Bpe : public Encoder {
 public:
  /// Throws Error (unsupported) if the pre-tokenizer is not known.
  explicit Bpe(const Vocab& vocab);
  void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const override;

 private:
  /// Pairs of symbols with their merges: an open-addressing table, 16 bytes an entry.
  class PairTable {
   public:
    explicit PairTable(std::size_t pairs);
    void insert(SymbolId left, SymbolId right, PairMerge merge);
    PairMerge find(SymbolId left, SymbolId right) const noexcept {
      const std::uint64_t wanted = key(left, right);
      for (std::size_t at = home(wanted);; at = (at + 1) & mask_) {
        if (slots_[at].key == wanted) return slots_[at].merge;
        if (slots_[at].key == kFree) return {};
      }
    }

   private:
    static constexpr std::uint64_t kFree =
        ~std::uint64_t{0};  // no key: symbols are never negative in the table
    struct Slot {
      std::uint64_t key = kFree;
      PairMerge merge;
    };
    static std::uint64_t key(SymbolId left, SymbolId right) noexcept {
      return std::uint64_t{std::uint32_t(left)} << 32 | std::uint32_t(right);
    }
    std::size_t home(std::uint64_t pair) const noexcept {
      const std::uint64_t h = pair * 0x9E3779B97F4A7C15u;
      return (h ^ h >> 32) & mask_;
    }
    std::vector<Slot> slots_;
    std::size_t mask_;
  };

  struct Scratch;
  SymbolId intern(std::string_view text);
  Token find_word(std::string_view word, std::string& mapped) const;
  void read_merges(const Vocab& vocab);
  void encode_word(std::string_view word, Scratch& scratch, std::vector<Token>& out) const;
  void merge(std::string_view part, Merger& merger) const;
  void append_piece(SymbolId symbol, std::string_view text, std::vector<Token>& out) const;
  void fill_raw(std::string_view word, Merger& merger) const;

  bool raw_, escape_spaces_, ignore_merges_;
  SymbolId tokens_;  // symbols below this are tokens, the others only parts of merges
  PreTokenizer words_;
  TextIndex symbols_;                    // text as in the file -> symbol
  std::deque<std::string> extra_texts_;  // of symbols that are no tokens
  PairTable pairs_;
  std::size_t longest_ = 0;  // bytes of the longest token
  WholeWords whole_words_;
  std::array<SymbolId, 256> byte_symbols_;  // byte -> symbol of its character (raw: of ASCII characters)
  std::array<Token, 256> byte_tokens_;      // byte -> token, where a symbol is none
};

}  // namespace longhand
