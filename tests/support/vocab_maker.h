// Vocabularies for tests, without a file.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "loaders/vocab/vocab.h"

namespace longhand::test {

/// Owns the texts a Vocab has views of.
class VocabMaker {
 public:
  explicit VocabMaker(VocabKind kind) { vocab_.kind = kind; }
  /// Adds a token and returns its id.
  Token add(std::string text, TokenType type = TokenType::normal, float score = 0);
  void merge(std::string left_and_right) { vocab_.merges.push_back(keep(std::move(left_and_right))); }
  /// Tokens <0x00> ... <0xFF>.
  void add_bytes();
  Vocab& vocab() { return vocab_; }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  std::deque<std::string> texts_;
  Vocab vocab_;
};

/// A byte-level vocabulary: all 256 bytes first, then whatever `merges` ("a b") make.
VocabMaker byte_level_vocab(const std::vector<std::string>& merges, const std::string& pre = "gpt-2");

/// Runs `work` on a thread with a stack of 256 KiB.
void on_small_stack(void (*work)(void*), void* argument);
template <class Work>
void on_small_stack(Work&& work) {
  on_small_stack([](void* w) { (*static_cast<std::remove_reference_t<Work>*>(w))(); }, &work);
}

}  // namespace longhand::test
