#include "loaders/vocab/vocab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "ops/error.h"
#include "tests/support/gguf_writer.h"

namespace longhand {
namespace {

using test::GgufWriter;
using Texts = std::vector<std::string_view>;

GgufWriter spm(const Texts& tokens = {"<unk>", "<s>", "</s>", "a"}) {
  GgufWriter w;
  w.add("general.architecture", "llama");
  w.add("tokenizer.ggml.model", "llama");
  w.add_array("tokenizer.ggml.tokens", tokens);
  w.add_array("tokenizer.ggml.scores", std::vector<float>(tokens.size(), -1.0f));
  return w;
}
GgufWriter bpe(const Texts& tokens, const char* pre = "gpt-2") {
  GgufWriter w;
  w.add("general.architecture", "gpt2");
  w.add("tokenizer.ggml.model", "gpt2");
  if (pre) w.add("tokenizer.ggml.pre", pre);
  w.add_array("tokenizer.ggml.tokens", tokens);
  w.add_array("tokenizer.ggml.merges", Texts{"a b"});
  return w;
}

struct Loaded {
  explicit Loaded(const GgufWriter& w)
      : bytes(w.bytes()), file(Gguf::parse(bytes, "t.gguf")), vocab(load_vocab(file)) {}
  std::vector<std::byte> bytes;
  Gguf file;
  Vocab vocab;
};

void expect_error(const GgufWriter& w, Errc code, const std::string& names) {
  try {
    Loaded loaded(w);
    FAIL() << "loaded, expected " << errc_name(code) << " about " << names;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(names), std::string::npos) << error.what();
  }
}

TEST(Vocab, SentencePieceDefaults) {
  const Loaded v(spm());
  EXPECT_EQ(v.vocab.kind, VocabKind::spm);
  EXPECT_EQ(v.vocab.bos, 1);
  EXPECT_EQ(v.vocab.eos, 2);
  EXPECT_TRUE(v.vocab.add_bos && v.vocab.add_space_prefix && !v.vocab.add_eos && !v.vocab.clean_spaces);
  EXPECT_EQ(v.vocab.end_of_generation, std::vector<Token>{2});
  EXPECT_EQ(v.vocab.types[2], TokenType::control);
}

TEST(Vocab, UnknownKindsAreNamed) {
  GgufWriter w;
  w.add("tokenizer.ggml.model", "mystery");
  expect_error(w, Errc::unsupported, "mystery");
  expect_error(GgufWriter(), Errc::missing, "tokenizer.ggml.model");
  expect_error(bpe({"a"}, "unheard-of"), Errc::unsupported, "unheard-of");
}

TEST(Vocab, AMissingPreTokenizerIsWarnedOf) {
  const Loaded v(bpe({"a", "b"}, nullptr));
  EXPECT_EQ(v.vocab.pre, "default");
  EXPECT_EQ(v.vocab.warnings.size(), 1u);
}

TEST(Vocab, IdsThatAreNoTokensMeanNone) {
  const std::pair<const char*, Token Vocab::*> ids[] = {
      {"bos", &Vocab::bos}, {"eos", &Vocab::eos}, {"unknown", &Vocab::unk}, {"padding", &Vocab::pad}};
  for (const std::uint32_t id : {4u, 5u, 0x80000000u, 0xFFFFFFFEu, 0xFFFFFFFFu}) {
    for (const auto& [name, member] : ids) {
      const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
      const Loaded v(spm().add(key, id));
      EXPECT_EQ(v.vocab.*member, kNoToken) << name << id;
      const auto told = std::ranges::count_if(v.vocab.warnings, [&](const std::string& warning) {
        return warning.starts_with(key + " is " + std::to_string(id));
      });
      EXPECT_EQ(told, 1) << name << id;
    }
  }
}

TEST(Vocab, NegativeIdsMeanNone) {
  for (const std::int32_t id : {-1, -2, std::numeric_limits<std::int32_t>::min()}) {
    const Loaded v(spm().add("tokenizer.ggml.padding_token_id", id));
    EXPECT_EQ(v.vocab.pad, kNoToken) << id;
    ASSERT_EQ(v.vocab.warnings.size(), 1u) << id;
    EXPECT_TRUE(v.vocab.warnings[0].starts_with("tokenizer.ggml.padding_token_id is " + std::to_string(id)));
  }
}

// By default SentencePiece texts begin with token 1.
TEST(Vocab, WithoutATokenNoneIsAdded) {
  const Loaded v(spm().add("tokenizer.ggml.bos_token_id", 0xFFFFFFFFu));
  EXPECT_FALSE(v.vocab.add_bos);
  ASSERT_EQ(v.vocab.warnings.size(), 2u);
  EXPECT_EQ(v.vocab.warnings[0], "tokenizer.ggml.bos_token_id is 4294967295, which means none");
  EXPECT_EQ(v.vocab.warnings[1], "tokenizer.ggml.bos_token_id names no token: none is added to texts");
  const Loaded asked(
      spm().add("tokenizer.ggml.eos_token_id", 0xFFFFFFFFu).add("tokenizer.ggml.add_eos_token", true));
  EXPECT_FALSE(asked.vocab.add_eos);
  EXPECT_TRUE(asked.vocab.add_bos);
}

TEST(Vocab, SuppressedTokensOutsideTheVocabularyAreLeftOut) {
  const Loaded v(spm().add_array("tokenizer.ggml.suppress_tokens", std::vector<std::int32_t>{3, 900, 0}));
  EXPECT_EQ(v.vocab.suppressed, (std::vector<Token>{3, 0}));
  EXPECT_EQ(v.vocab.warnings.size(), 1u);
}

TEST(Vocab, VocabulariesTooSmallForTheirDefaultsAreRefused) {
  expect_error(spm({}), Errc::range, "tokenizer.ggml.tokens");
  expect_error(spm({"a"}), Errc::range, "bos_token");
}

TEST(Vocab, AddedTokensNeedAnId) {
  expect_error(bpe({"a", "b"}).add("tokenizer.ggml.add_bos_token", true), Errc::range, "add_bos_token");
  expect_error(bpe({"a", "b"}).add("tokenizer.ggml.add_eos_token", true), Errc::range, "add_eos_token");
  expect_error(bpe({"a", "b"}).add("tokenizer.ggml.add_sep_token", true), Errc::range, "add_sep_token");
}

TEST(Vocab, ScoresAndTypesMustFitTheTokens) {
  for (const std::size_t n : {0, 3, 5}) {
    GgufWriter types = spm();
    expect_error(types.add_array("tokenizer.ggml.token_type", std::vector<std::int32_t>(n, 1)), Errc::range,
                 "token_type");
  }
  expect_error(spm().add_array("tokenizer.ggml.token_type", Texts{"a", "b", "c", "d"}), Errc::type,
               "token_type");
  expect_error(spm().add_array("tokenizer.ggml.token_type", std::vector<std::int32_t>(4, 7)), Errc::range,
               "token_type");
}

TEST(Vocab, HugeTokensAreRefused) {
  const std::string huge(1 << 20, 'a');
  expect_error(spm({"<unk>", "<s>", "</s>", huge}), Errc::limit, "tokenizer.ggml.tokens");
}

TEST(Vocab, DuplicatesAndBrokenMergesGiveOneWarningEach) {
  GgufWriter w;
  w.add("tokenizer.ggml.model", "gpt2");
  w.add("tokenizer.ggml.pre", "gpt-2");
  w.add_array("tokenizer.ggml.tokens", Texts(1000, "a"));
  w.add_array("tokenizer.ggml.merges", Texts{"ab", "", " ", "a b", "a "});
  const Loaded v(w);
  ASSERT_EQ(v.vocab.warnings.size(), 2u);
  EXPECT_NE(v.vocab.warnings[0].find("999"), std::string::npos);
  EXPECT_NE(v.vocab.warnings[1].find("4"), std::string::npos);
}

bool ends(const Vocab& v, Token t) { return std::ranges::binary_search(v.end_of_generation, t); }

TEST(Vocab, EndOfGenerationIsKnownByText) {
  const Loaded v(bpe({"a", "<|im_end|>", "<|endoftext|>", "<|file_sep|>", "<|fim_prefix|>"}));
  EXPECT_EQ(v.vocab.end_of_generation, (std::vector<Token>{1, 2, 3}));
  EXPECT_EQ(v.vocab.eot, 1);
  EXPECT_EQ(v.vocab.fim_pre, 4);
  EXPECT_EQ(v.vocab.types[4], TokenType::control);
}

TEST(Vocab, HarmonyMessagesDoNotEndTheAnswer) {
  const Loaded v(bpe({"<|return|>", "<|call|>", "<|end|>", "<|channel|>"}));
  EXPECT_TRUE(ends(v.vocab, 0) && ends(v.vocab, 1));
  EXPECT_EQ(v.vocab.types[2], TokenType::user_defined);
  EXPECT_EQ(v.vocab.types[3], TokenType::user_defined);
}

TEST(Vocab, Phi3TokensSwallowSpaces) {
  const Loaded v(spm({"<unk>", "<s>", "</s>", "<|end|>"}).add("general.name", "Phi3 mini"));
  EXPECT_EQ(v.vocab.strip_right, (std::vector<Token>{2, 3}));
}

}  // namespace
}  // namespace longhand
