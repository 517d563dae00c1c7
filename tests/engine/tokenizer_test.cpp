#include "engine/text/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "engine/text/special_tokens.h"
#include "engine/text/token_text.h"
#include "engine/text/unicode.h"
#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "tests/support/golden.h"
#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using test::VocabMaker;
using Ids = std::vector<Token>;

struct Loaded {
  explicit Loaded(const std::string& path) : file(Gguf::open(path)), tokenizer(load_vocab(file)) {}
  Gguf file;
  Tokenizer tokenizer;
};

TEST(TokenizerGolden, IdsAndTextsAreExact) {
  const std::string folder = test::golden("tokenizers");
  LONGHAND_NEED_GOLDEN(folder);
  for (const std::string& name : test::list_folder(folder)) {
    const Loaded loaded(folder + "/" + name + "/vocab.gguf");
    std::ifstream lines(folder + "/" + name + "/tests.jsonl");
    int cases = 0;
    for (std::string line; std::getline(lines, line); ++cases) {
      const auto want = nlohmann::json::parse(line);
      const EncodeFlags flags{want["add_special"].get<bool>(), want["parse_special"].get<bool>()};
      const Ids ids = loaded.tokenizer.encode(want["text"].get<std::string>(), flags);
      ASSERT_EQ(ids, want["ids"].get<Ids>()) << name << " " << line;
      const DecodeFlags whole{.remove_special = false, .unparse_special = true, .clean_spaces = true};
      ASSERT_EQ(replace_invalid(loaded.tokenizer.decode(ids, whole)), want["detok"].get<std::string>())
          << line;
      ASSERT_EQ(replace_invalid(loaded.tokenizer.decode(ids, {.clean_spaces = true})),
                want["detok_plain"].get<std::string>())
          << line;
    }
    EXPECT_GT(cases, 100) << name;
  }
}

TEST(TokenizerGolden, ByteLevelVocabulariesLoseNothing) {
  const std::string path = test::golden("tokenizers/qwen2/vocab.gguf");
  LONGHAND_NEED_GOLDEN(path);
  const Loaded loaded(path);
  std::string all;
  for (char32_t code = 0; code <= kLastCodePoint; ++code) {
    if (code < 0xD800 || code > 0xDFFF) append_utf8(all, code);
  }
  all += "\x80\xFF\xE2\x96";  // and bytes that are no UTF-8
  EXPECT_EQ(loaded.tokenizer.decode(loaded.tokenizer.encode(all, {.add_special = false})), all);
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i)
      text += char(random() % 3 == 0 ? random() : 32 + random() % 95);
    ASSERT_EQ(loaded.tokenizer.decode(loaded.tokenizer.encode(text, {.add_special = false}), false, true),
              text);
  }
}

TEST(TokenizerGolden, SpecialTextNeverBecomesControlTokens) {
  const std::string folder = test::golden("tokenizers");
  LONGHAND_NEED_GOLDEN(folder);
  for (const std::string& name : test::list_folder(folder)) {
    const Loaded loaded(folder + "/" + name + "/vocab.gguf");
    const Vocab& vocab = loaded.tokenizer.vocab();
    const auto is_control = [&](Token t) { return vocab.types[std::size_t(t)] == TokenType::control; };
    for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
      if (vocab.types[i] != TokenType::control) continue;
      const std::string text(vocab.tokens[i]);
      for (const std::string& user :
           {text, "x" + text + text + "y", text.substr(0, 2) + text + text.substr(2)}) {
        for (const Token t : loaded.tokenizer.encode(user, {.add_special = false}))
          ASSERT_FALSE(is_control(t)) << user;
      }
      const Ids parsed = loaded.tokenizer.encode(text, {.add_special = false, .parse_special = true});
      ASSERT_EQ(parsed.size(), 1u) << text;
      ASSERT_TRUE(is_control(parsed[0]));
    }
  }
}

TEST(TokenizerGolden, ThreadsAgree) {
  const std::string path = test::golden("tokenizers/gpt-2/vocab.gguf");
  LONGHAND_NEED_GOLDEN(path);
  const Loaded loaded(path);
  const std::string text = test::read_text(test::golden("tokenizers/gpt-2/tests.jsonl"));
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& ids : results) threads.emplace_back([&] { ids = loaded.tokenizer.encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : results) EXPECT_EQ(ids, loaded.tokenizer.encode(text));
}

// The definition: for each token, longest text first, cut all its occurrences out of what is still text.
Ids split_by_definition(const Vocab& vocab, std::string_view text) {
  std::vector<Token> order;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) order.push_back(Token(i));
  const auto size = [&](Token t) { return vocab.tokens[std::size_t(t)].size(); };
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) { return size(a) > size(b); });
  std::vector<std::pair<std::string, Token>> parts{{std::string(text), kNoToken}};
  for (const Token t : order) {
    std::vector<std::pair<std::string, Token>> next;
    for (auto& [part, token] : parts) {
      std::size_t at = 0;
      for (std::size_t hit;
           token == kNoToken && (hit = part.find(vocab.tokens[std::size_t(t)], at)) != part.npos;) {
        if (hit > at) next.emplace_back(part.substr(at, hit - at), kNoToken);
        next.emplace_back("", t);
        at = hit + size(t);
      }
      if (token != kNoToken || at < part.size()) next.emplace_back(part.substr(at), token);
    }
    parts = std::move(next);
  }
  Ids ids;
  for (const auto& [part, token] : parts) ids.push_back(token == kNoToken ? -Token(part.size()) : token);
  return ids;
}

TEST(SpecialTokens, LongerOnesWinWhereverTheyBegin) {
  VocabMaker maker(VocabKind::bpe);
  for (const char* text : {"ab", "bab", "a", "abba", "bb", "babab"}) maker.add(text, TokenType::user_defined);
  const SpecialTokens specials(maker.vocab());
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t i = random() % 25; i > 0; --i) text += "aabbc"[random() % 5];
    Ids got;
    for (const auto& f : specials.split(text, false)) {
      got.push_back(f.token == kNoToken ? -Token(f.text.size()) : f.token);
    }
    ASSERT_EQ(got, text.empty() ? Ids{} : split_by_definition(maker.vocab(), text)) << text;
  }
}

TEST(SpecialTokens, StripAttributesSwallowWhiteSpace) {
  VocabMaker maker(VocabKind::bpe);
  maker.vocab().strip_right = {maker.add("<r>", TokenType::control)};
  maker.vocab().strip_left = {maker.add("<l>", TokenType::control)};
  std::string got;
  for (const auto& f : SpecialTokens(maker.vocab()).split("a <r> \n b  <l> c", true)) {
    got += f.token == kNoToken ? "[" + std::string(f.text) + "]" : std::to_string(f.token);
  }
  EXPECT_EQ(got, "[a ]0[b]1[ c]");
}

TEST(Tokenizer, PiecesHideControlTokensUnlessAsked) {
  VocabMaker maker = test::byte_level_vocab({});
  const Token end = maker.add("<end>", TokenType::control),
              user = maker.add("<u v>", TokenType::user_defined);
  const Tokenizer tokenizer(maker.vocab());
  EXPECT_EQ(tokenizer.piece(end), "");
  EXPECT_EQ(tokenizer.piece(end, true), "<end>");
  EXPECT_EQ(tokenizer.piece(user), "<u v>");
  EXPECT_EQ(tokenizer.piece(0xFF), "\xFF");
  EXPECT_EQ(tokenizer.piece(-1), "");
  EXPECT_EQ(tokenizer.piece(1 << 20, true), "");
}

// What byte-level vocabularies encode they give back, whatever their pre-tokenizer.
TEST(Tokenizer, ByteLevelVocabulariesKeepSpacesBeforePunctuation) {
  const std::string text = "x != y ? a .b , d ' e 's";
  for (const char* pre : {"default", "gpt-2", "llama-bpe", "qwen2", "starcoder"}) {
    VocabMaker maker = test::byte_level_vocab({});
    maker.vocab().pre = pre;
    maker.vocab().once_cleaned_spaces = true;
    const Tokenizer tokenizer(maker.vocab());
    const Ids ids = tokenizer.encode(text);
    EXPECT_EQ(tokenizer.decode(ids), text) << pre;
    EXPECT_EQ(tokenizer.decode(ids, false, true), text) << pre;
    EXPECT_EQ(tokenizer.decode(ids, {.clean_spaces = true}), "x!= y? a.b, d'e's") << pre;
  }
}

TEST(Tokenizer, AContinuationKeepsItsLeadingSpace) {
  VocabMaker maker(VocabKind::spm);
  maker.add("\xE2\x96\x81");
  const Token word = maker.add("\xE2\x96\x81word");
  maker.vocab().add_space_prefix = true;
  const Tokenizer tokenizer(maker.vocab());
  const Ids ids{word, word};
  EXPECT_EQ(tokenizer.decode(ids), "word word");
  EXPECT_EQ(tokenizer.decode(ids, {.continues_text = true}), " word word");
  EXPECT_EQ(tokenizer.decode({}, {.continues_text = true}), "");
}

TEST(Tokenizer, CleansUpSpacesInWholeTextsOnly) {
  EXPECT_EQ(clean_up_spaces("a , b . c ' d it 's you 're x ?"), "a, b. c'd it's you're x?");
  EXPECT_EQ(clean_up_spaces("I 'll go  !"), "I 'll go !");
  EXPECT_EQ(clean_up_spaces(""), "");
}

TEST(Tokenizer, OnlyUnigramVocabulariesSample) {
  VocabMaker maker = test::byte_level_vocab({});
  EXPECT_THROW(Tokenizer(maker.vocab()).encode_sampled("a", 1, 1), Error);
}

TEST(Tokenizer, AModelWithoutOneSaysSo) {
  VocabMaker maker(VocabKind::none);
  maker.add("");
  const Tokenizer tokenizer(maker.vocab());
  EXPECT_EQ(tokenizer.size(), 1);
  EXPECT_THROW(tokenizer.encode("a"), Error);
}

TEST(Tokenizer, HostileByteTokensAreNoBytes) {
  VocabMaker maker(VocabKind::spm);
  for (const char* text : {"<0x-1>", "<0xZZ>", "<0x 1>", "<0x1>", "<0x100>", ""})
    maker.add(text, TokenType::byte);
  const Tokenizer tokenizer(maker.vocab());
  for (Token t = 0; t < tokenizer.size(); ++t) EXPECT_EQ(tokenizer.piece(t, true), "");
  EXPECT_TRUE(tokenizer.encode("\x01\xFF").empty());
}

}  // namespace
}  // namespace longhand
