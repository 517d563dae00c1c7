// A vocabulary as a file describes it, of any kind: it is refused, or text becomes tokens and text again.
#include "loaders/vocab/vocab.h"

#include "engine/chat/chat_format.h"
#include "engine/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {
namespace {

constexpr std::string_view kTexts[] = {"",
                                       " ",
                                       "Hello world",
                                       "  a b\t\n\nc ",
                                       "don't 1234.56, x^2!",
                                       "\xC3\xA4\xF0\x9F\x98\x80 \xE4\xB8\xAD\xE6\x96\x87",
                                       "\xFF\x80\xC3",
                                       "<s></s><|im_start|>user\n<unk>[CLS]",
                                       std::string_view("a\0b", 3),
                                       "\xE2\x96\x81\xE2\x96\x81x"};

void check_tokens(const Tokenizer& tokenizer, const std::vector<Token>& tokens) {
  for (const Token token : tokens) {
    check(token >= 0 && token < tokenizer.size(), "tokens are of the vocabulary");
    static_cast<void>(tokenizer.piece(token));
    static_cast<void>(tokenizer.ends_generation(token));
  }
}

}  // namespace

void run(std::string_view input) {
  accepts([&] {
    const Gguf file = Gguf::parse(as_bytes(input), "input.gguf");
    const Tokenizer tokenizer(load_vocab(file));
    for (const std::string_view text : kTexts) {
      for (const bool parse_special : {false, true}) {
        const auto tokens = tokenizer.encode(text, {.parse_special = parse_special});
        check_tokens(tokenizer, tokens);
        check(tokens == tokenizer.encode(text, {.parse_special = parse_special}), "encoding is a function");
        static_cast<void>(tokenizer.decode(tokens));
        static_cast<void>(tokenizer.decode(tokens, false, true));
      }
    }
    for (Token token = 0; token < tokenizer.size(); ++token) static_cast<void>(tokenizer.piece(token, true));
    const ChatFormat format(chat_source(tokenizer.vocab()));
    const ChatMessage message{"user", "Hello", ""};
    accepts([&] {
      const auto prompt = format.render(std::span(&message, 1));
      check_tokens(tokenizer, encode_prompt(tokenizer, prompt));
    });
  });
}

}  // namespace longhand::fuzz
