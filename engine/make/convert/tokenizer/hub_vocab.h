// The vocabulary of a Hugging Face folder as the metadata of a GGUF file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/make/convert/family.h"

namespace longhand {

/// Of a JSON file that describes a tokenizer.
inline constexpr std::size_t kMostTokenizerBytes = std::size_t{256} << 20;

struct HubVocab {
  std::string model, pre;           // tokenizer.ggml.model and .pre; pre is empty where there is none
  std::vector<std::string> tokens;  // by id
  std::vector<float> scores;        // of each, or empty
  std::vector<std::int32_t> types;  // of each: the numbers of TokenType
  std::vector<std::string> merges;  // "A B"
  std::vector<bool> given;          // of each token: false for ids that the tokenizer leaves out
  bool adds_space = false;          // before every text
  std::vector<std::string> around;  // special tokens around a text, which is "" among them; empty: not said
};

/// Of tokenizer.json, of tokenizer.model, or of both. `pre_tokenizer`: the value for tokenizer.ggml.pre, ""
/// to find it out. Throws Error: missing, unsupported (a kind of tokenizer; a way to cut words that is not
/// known), corrupt, range, limit, io.
HubVocab read_hub_vocab(const std::string& folder, const Family& family, const std::string& pre_tokenizer);

/// Adds unused tokens up to `count`, or drops those behind it; says so in `notes`. Throws Error (limit).
void fit_vocab(HubVocab& vocab, std::size_t count, std::vector<std::string>& notes);

}  // namespace longhand
