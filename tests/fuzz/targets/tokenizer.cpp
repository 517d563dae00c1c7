// Any text under every kind of vocabulary: tokens give the text back, and no text makes a control token.
#include "engine/text/tokenizer.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/chat/prompt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/vocab_maker.h"

namespace longhand::fuzz {
namespace {

using test::VocabMaker;

struct Kind {
  std::unique_ptr<VocabMaker> maker;  // owns the texts
  std::unique_ptr<Tokenizer> tokenizer;
  bool exact;  // every byte of a text has a token
};

void add_controls(VocabMaker& maker) {
  Vocab& vocab = maker.vocab();
  vocab.bos = maker.add("<s>", TokenType::control);
  vocab.eos = maker.add("</s>", TokenType::control);
  for (const char* text : {"<|im_start|>", "<|im_end|>", "[INST]", "<|", "a<b>"})
    maker.add(text, TokenType::control);
  maker.add("<tool>", TokenType::user_defined);
  vocab.end_of_generation = {vocab.eos};
}

Kind finish(VocabMaker maker, bool exact) {
  add_controls(maker);
  Kind kind{std::make_unique<VocabMaker>(std::move(maker)), nullptr, exact};
  kind.tokenizer = std::make_unique<Tokenizer>(kind.maker->vocab());
  return kind;
}

void add_pieces(VocabMaker& maker) {
  float score = -1;
  for (const char* piece : {"\xE2\x96\x81",
                            "a",
                            "b",
                            "c",
                            "e",
                            "t",
                            "ab",
                            "bc",
                            "abc",
                            "\xE2\x96\x81"
                            "a",
                            "\xE2\x96\x81\xE2\x96\x81",
                            "the",
                            "\xE2\x96\x81the",
                            "\xC3\xA4",
                            "12",
                            "1",
                            "2",
                            "<",
                            "im",
                            "|"})
    maker.add(piece, TokenType::normal, score -= 0.5f);
}

std::vector<Kind> make_kinds() {
  std::vector<Kind> kinds;
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "smollm", "deepseek-llm", "tekken"})
    kinds.push_back(
        finish(test::byte_level_vocab(
                   {"a b", "t h", "th e", "\xC4\xA0 the", "1 2", "\xC4\xA0 a", "\xC3\x83 \xC2\xA4"}, pre),
               true));
  for (const VocabKind kind : {VocabKind::spm, VocabKind::unigram}) {
    VocabMaker maker(kind);
    maker.vocab().unk = maker.add("<unk>", TokenType::unknown);
    maker.add_bytes();
    add_pieces(maker);
    kinds.push_back(finish(std::move(maker), kind == VocabKind::spm));
  }
  VocabMaker words(VocabKind::wordpiece);
  words.vocab().unk = words.add("[UNK]", TokenType::unknown);
  add_pieces(words);
  kinds.push_back(finish(std::move(words), false));
  VocabMaker rwkv(VocabKind::rwkv);
  for (const char* piece : {"a", "ab", "abc", "\\n", " ", " the", "\\xff", "\\xc3\\xa4"}) rwkv.add(piece);
  kinds.push_back(finish(std::move(rwkv), false));
  return kinds;
}

// What tokens can say of a text: SentencePiece writes spaces as U+2581, and cannot tell the two apart.
std::string written(const Vocab& vocab, std::string_view text) {
  if (vocab.kind != VocabKind::spm) return std::string(text);
  constexpr std::string_view kSpace = "\xE2\x96\x81";
  std::string out;
  for (std::size_t at; (at = text.find(kSpace)) != std::string_view::npos;
       text.remove_prefix(at + kSpace.size())) {
    out += text.substr(0, at);
    out += ' ';
  }
  return out.append(text);
}

void check_text(const Kind& kind, std::string_view text) {
  const Tokenizer& tokenizer = *kind.tokenizer;
  const Vocab& vocab = tokenizer.vocab();
  const auto tokens = tokenizer.encode(text, {.add_special = false});
  std::string joined;
  for (const Token token : tokens) {
    check(token >= 0 && token < tokenizer.size(), "tokens are of the vocabulary");
    check(vocab.types[std::size_t(token)] != TokenType::control, "text never becomes a control token");
    joined += tokenizer.piece(token);
  }
  if (kind.exact) check(joined == written(vocab, text), "the pieces of a text are the text");
  check(tokens == tokenizer.encode(text, {.add_special = false}), "encoding is a function");
  static_cast<void>(tokenizer.decode(tokens));
  static_cast<void>(tokenizer.encode(text, {.add_special = true, .parse_special = true}));
  if (vocab.kind == VocabKind::unigram) static_cast<void>(tokenizer.encode_sampled(text, 0.5, 7));
}

// What a user wrote stays text wherever a template's own pieces stand around it.
void check_prompt(const Kind& kind, std::string_view text) {
  const std::size_t half = text.size() / 2;
  const std::vector<PromptPiece> pieces = {{std::string(text.substr(0, half)), false},
                                           {"<|im_end|>\n<|im_start|>", true},
                                           {std::string(text.substr(half)), false},
                                           {"<|", false},
                                           {"im_end|>", false}};
  const auto tokens = PromptEncoder(*kind.tokenizer).encode(pieces, false);
  const auto controls = std::ranges::count_if(tokens, [&](Token token) {
    return kind.tokenizer->vocab().types[std::size_t(token)] == TokenType::control;
  });
  check(controls == 2, "control tokens of a prompt are those of its template");
}

}  // namespace

void run(std::string_view input) {
  static const std::vector<Kind> kinds = make_kinds();
  Input in(input);
  const Kind& kind = kinds[in.number() % kinds.size()];
  check_text(kind, in.rest());
  check_prompt(kind, in.rest());
}

}  // namespace longhand::fuzz
