#include "engine/embed/input.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/prompt.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kQuery = "{query}", kDocument = "{document}";

[[noreturn]] void refuse_query(int context) {
  throw Error(Errc::context_full,
              fmt::format("the query leaves no room for a document: the context holds {} tokens", context));
}

}  // namespace

InputEncoder::InputEncoder(const Gguf& file, const Tokenizer& tokenizer, int context)
    : tokenizer_(tokenizer),
      template_(file.get_string(key::rerank_template).value_or("")),
      context_(context) {}

// What the vocabulary puts behind a text.
Token InputEncoder::end() const noexcept {
  const Vocab& v = tokenizer_.vocab();
  if (v.kind == VocabKind::wordpiece) return v.sep;
  return v.add_eos ? v.eos : kNoToken;
}

std::vector<Token> InputEncoder::plain(std::string_view text) const {
  return tokenizer_.encode(text, {.add_special = false});
}

EncodedText InputEncoder::text(std::string_view text) const {
  EncodedText e{tokenizer_.encode(text), 0};
  e.left_out = std::max(0, int(e.tokens.size()) - context_);
  const auto end_of_text = e.tokens.end() - (end() != kNoToken && context_ > 1 ? 1 : 0);
  e.tokens.erase(end_of_text - e.left_out, end_of_text);
  return e;
}

EncodedText InputEncoder::pair(std::string_view query, std::string_view document) const {
  return template_.empty() ? by_separators(query, document) : by_template(query, document);
}

// BERT: [CLS] query [SEP] document [SEP]. RoBERTa and its kin have two separators in the middle.
EncodedText InputEncoder::by_separators(std::string_view query, std::string_view document) const {
  const Vocab& v = tokenizer_.vocab();
  const bool wordpiece = v.kind == VocabKind::wordpiece;
  EncodedText e;
  const auto add = [&](bool wanted, Token token) {
    if (wanted && token != kNoToken) e.tokens.push_back(token);
  };
  const Token behind = end() == kNoToken && v.add_sep ? v.sep : end();
  add(v.add_bos || wordpiece, v.bos);
  const std::vector<Token> asked = plain(query);
  e.tokens.insert(e.tokens.end(), asked.begin(), asked.end());
  add(true, behind);
  add(v.add_eos && !wordpiece && (v.add_sep || v.kind == VocabKind::unigram), v.sep);
  const int room = context_ - int(e.tokens.size()) - int(behind != kNoToken);
  if (room < 1) refuse_query(context_);
  std::vector<Token> read = plain(document);
  e.left_out = std::max(0, int(read.size()) - room);
  e.tokens.insert(e.tokens.end(), read.begin(), read.end() - e.left_out);
  add(true, behind);
  return e;
}

// Control tokens come from the template only, never from the texts.
std::vector<Token> InputEncoder::fill_template(std::string_view query, std::string_view document) const {
  std::vector<PromptPiece> pieces;
  std::string_view rest = template_;
  int found = 0;
  while (true) {
    const std::size_t at_query = rest.find(kQuery), at_document = rest.find(kDocument);
    const std::size_t at = std::min(at_query, at_document);
    pieces.push_back({std::string(rest.substr(0, at)), true});
    if (at == std::string_view::npos) break;
    const bool is_query = at == at_query;
    pieces.push_back({std::string(is_query ? query : document), false});
    rest.remove_prefix(at + (is_query ? kQuery : kDocument).size());
    found |= is_query ? 1 : 2;
  }
  if (found != 3) {
    throw Error(Errc::chat_template,
                fmt::format("{} must name both {} and {}", key::rerank_template.name, kQuery, kDocument));
  }
  return PromptEncoder(tokenizer_).encode(pieces, false);
}

// Tokens may join across the end of the document, so that a cut one is encoded again, until all fits.
EncodedText InputEncoder::by_template(std::string_view query, std::string_view document) const {
  EncodedText e{fill_template(query, document), 0};
  if (int(e.tokens.size()) <= context_) return e;
  const std::vector<Token> read = plain(document);
  while (int(e.tokens.size()) > context_) {
    e.left_out += int(e.tokens.size()) - context_;
    const int kept = int(read.size()) - e.left_out;
    if (kept < 1) refuse_query(context_);
    const std::string cut =
        tokenizer_.decode(std::span(read).first(std::size_t(kept)), {.continues_text = true});
    e.tokens = fill_template(query, cut);
  }
  return e;
}

}  // namespace longhand
