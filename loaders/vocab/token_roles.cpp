#include "loaders/vocab/token_roles.h"

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace longhand {
namespace {

using Names = std::span<const std::string_view>;

// U+FF5C FULLWIDTH VERTICAL LINE and U+2581 LOWER ONE EIGHTH BLOCK, as DeepSeek writes its special tokens.
constexpr std::string_view kEndOfSentence =
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>";

constexpr std::string_view kEndOfGeneration[] = {"<|eot_id|>",
                                                 "<|im_end|>",
                                                 "<|end|>",
                                                 "<|return|>",
                                                 "<|call|>",
                                                 "<|flush|>",
                                                 "<|calls|>",
                                                 "<end_of_turn>",
                                                 "<|endoftext|>",
                                                 "</s>",
                                                 "<|eom_id|>",
                                                 "<EOT>",
                                                 "_<EOT>",
                                                 "[EOT]",
                                                 "[EOS]",
                                                 "<|end_of_text|>",
                                                 "<end_of_utterance>",
                                                 "<eos>",
                                                 "<turn|>",
                                                 "<|tool_response>",
                                                 kEndOfSentence,
                                                 "[e~["};

// The first of each list that a vocabulary has takes the role.
constexpr std::string_view kEndOfTurn[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",     "<|end_of_text|>",
    "<EOT>",      "_<EOT>",     "[EOT]",   kEndOfSentence,  "<end_of_utterance>"};
// Of DeepSeek, with a full-width bar and a lower block.
constexpr std::string_view kSpelledFimBegin =
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81"
    "begin\xEF\xBD\x9C>";
constexpr std::string_view kSpelledFimHole =
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81hole\xEF\xBD\x9C>";
constexpr std::string_view kSpelledFimEnd =
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81"
    "end\xEF\xBD\x9C>";
constexpr std::string_view kFimPre[] = {"<|fim_prefix|>",  "<fim-prefix>", "<fim_prefix>",
                                        kSpelledFimBegin,  "<PRE>",        "\xE2\x96\x81<PRE>",
                                        "<|code_prefix|>", "<|prefix|>"};
constexpr std::string_view kFimSuf[] = {"<|fim_suffix|>",  "<fim-suffix>", "<fim_suffix>",
                                        kSpelledFimHole,   "<SUF>",        "\xE2\x96\x81<SUF>",
                                        "<|code_suffix|>", "<|suffix|>"};
constexpr std::string_view kFimMid[] = {"<|fim_middle|>",  "<fim-middle>", "<fim_middle>",
                                        kSpelledFimEnd,    "<MID>",        "\xE2\x96\x81<MID>",
                                        "<|code_middle|>", "<|middle|>"};
constexpr std::string_view kFimPad[] = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"};
constexpr std::string_view kFimRep[] = {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>",
                                        "<reponame>"};
constexpr std::string_view kFimSep[] = {"<|file_sep|>"};

// Parts of answers in the Harmony format: shown, and matched in any text.
constexpr std::string_view kHarmonyMarks[] = {"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"};

constexpr std::string_view kMask[] = {"<mask>", "[MASK]"};
constexpr std::string_view kPhi3Exceptions[] = {"<unk>", "<s>", "<|endoftext|>"};

struct Role {
  Token Vocab::*member;
  Names names;
};
constexpr Role kRoles[] = {{&Vocab::eot, kEndOfTurn},  {&Vocab::fim_pre, kFimPre}, {&Vocab::fim_suf, kFimSuf},
                           {&Vocab::fim_mid, kFimMid}, {&Vocab::fim_pad, kFimPad}, {&Vocab::fim_rep, kFimRep},
                           {&Vocab::fim_sep, kFimSep}};

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts,
                             [&](std::string_view p) { return text.find(p) != std::string_view::npos; });
}

// All ids of the texts that matter here; of duplicates the lowest comes first.
class KnownTokens {
 public:
  explicit KnownTokens(const Vocab& vocab) {
    const auto watch = [&](Names names) {
      for (const std::string_view name : names) ids_.try_emplace(name);
    };
    watch(kEndOfGeneration);
    watch(kHarmonyMarks);
    watch(kMask);
    watch(kPhi3Exceptions);
    for (const Role& role : kRoles) watch(role.names);
    for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
      const auto entry = ids_.find(vocab.tokens[i]);
      if (entry != ids_.end()) entry->second.push_back(Token(i));
    }
  }
  std::span<const Token> operator[](std::string_view text) const { return ids_.at(text); }
  bool has(std::string_view text) const { return !ids_.at(text).empty(); }

 private:
  std::unordered_map<std::string_view, std::vector<Token>> ids_;
};

void set_types(Vocab& vocab, std::span<const Token> tokens, TokenType type) {
  for (const Token t : tokens) vocab.types[std::size_t(t)] = type;
}

void remove_tokens(std::vector<Token>& from, std::span<const Token> tokens) {
  std::erase_if(from, [&](Token t) { return std::ranges::find(tokens, t) != tokens.end(); });
}

void assign_single_roles(Vocab& vocab, const KnownTokens& known) {
  for (const Role& role : kRoles) {
    if (vocab.*role.member != kNoToken) continue;
    for (const std::string_view name : role.names) {
      if (!known.has(name)) continue;
      vocab.*role.member = known[name].front();
      set_types(vocab, known[name].first(1), TokenType::control);
      break;
    }
  }
}

void collect_end_of_generation(Vocab& vocab, const KnownTokens& known) {
  std::vector<Token>& ends = vocab.end_of_generation;
  for (const std::string_view name : kEndOfGeneration) {
    ends.insert(ends.end(), known[name].begin(), known[name].end());
    set_types(vocab, known[name], TokenType::control);
  }
  for (const std::string_view name : kHarmonyMarks) set_types(vocab, known[name], TokenType::user_defined);

  // With the tokens of Harmony (or of Solar) <|end|> ends a message, not the answer.
  const bool calls = known.has("<|call|>") || known.has("<|calls|>");
  if (calls && (known.has("<|return|>") || known.has("<|flush|>"))) {
    remove_tokens(ends, known["<|end|>"]);
    set_types(vocab, known["<|end|>"], TokenType::user_defined);
  }
  // Gemma 4 has </s> as an ordinary HTML tag.
  if (known.has("<|tool_response>")) {
    remove_tokens(ends, known["</s>"]);
    set_types(vocab, known["</s>"], TokenType::normal);
  }
  for (const Token t : {vocab.eos, vocab.eot, vocab.eom, vocab.fim_pad, vocab.fim_rep, vocab.fim_sep}) {
    if (t != kNoToken) ends.push_back(t);
  }
  std::ranges::sort(ends);
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
}

// The original tokenizers' lstrip and rstrip attributes have no key in the file; models that use
// them are known.
void assign_stripping(Vocab& vocab, const KnownTokens& known, std::string_view architecture) {
  std::string name = vocab.model_name;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return char(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  const auto add_left = [&](std::string_view text) {
    vocab.strip_left.insert(vocab.strip_left.end(), known[text].begin(), known[text].end());
  };
  if (contains_any(vocab.pre, {"jina-v2-de", "jina-v2-es", "jina-v2-code"}) ||
      architecture == "nomic-bert-moe" || architecture == "jina-bert-v3") {
    add_left("<mask>");
  } else if (contains_any(name, {"phi-3", "phi3"})) {
    for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
      const TokenType type = vocab.types[i];
      const bool special =
          type == TokenType::control || type == TokenType::user_defined || type == TokenType::unknown;
      if (special && std::ranges::find(kPhi3Exceptions, vocab.tokens[i]) == std::end(kPhi3Exceptions)) {
        vocab.strip_right.push_back(Token(i));
      }
    }
  } else if (contains_any(name, {"modern-bert"})) {
    add_left("[MASK]");
  }
}

// Tokens 4 to 8195 of Chameleon are pieces of pictures, which a text must not have.
void suppress_pictures(Vocab& vocab, std::string_view architecture) {
  constexpr std::size_t kFirst = 4, kEnd = 8196;
  if (architecture != "chameleon") return;
  for (std::size_t i = kFirst; i < std::min(kEnd, vocab.tokens.size()); ++i)
    vocab.suppressed.push_back(Token(i));
}

}  // namespace

void assign_token_roles(Vocab& vocab, std::string_view architecture) {
  const KnownTokens known(vocab);
  assign_single_roles(vocab, known);
  collect_end_of_generation(vocab, known);
  assign_stripping(vocab, known, architecture);
  suppress_pictures(vocab, architecture);
}

bool ends_generation_by_name(std::string_view text) noexcept {
  return std::ranges::find(kEndOfGeneration, text) != std::end(kEndOfGeneration);
}

}  // namespace longhand
