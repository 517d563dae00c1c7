// Vocabularies of tokenizer.json and tokenizer.model give the tokens of the GGUF files that were made of
// them.
#include "engine/make/convert/tokenizer/hub_vocab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/make/convert/tokenizer/vocab_keys.h"
#include "engine/text/tokenizer.h"
#include "loaders/vocab/spm_model.h"
#include "tests/make/unconvert.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/golden_model.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The tokenizer's part of a file, as text and as it is read again.
struct MadeVocab {
  std::string bytes;
  Gguf file;
};
MadeVocab make_vocab(const std::string& folder, std::size_t tokens, const json& config = json::object(),
                     const std::string& name = "") {
  const Family family{.classes = {}, .architecture = "llama"};
  HubVocab vocab = read_hub_vocab(folder, family, "");
  std::vector<std::string> notes;
  fit_vocab(vocab, tokens == 0 ? vocab.tokens.size() : tokens, notes);
  ModelKeys keys("llama");
  keys.set(gguf_entry("general.name", name));  // white space around some special tokens goes by it
  add_vocab_keys(folder, HubConfig(json::parse(config.dump()), "config.json"), vocab, keys);
  GgufHead head;
  head.entries = keys.entries();
  std::string bytes = head.bytes();
  Gguf file = Gguf::parse(std::as_bytes(std::span(bytes)), "made");
  return {std::move(bytes), std::move(file)};
}

class HubVocabGolden : public testing::TestWithParam<const char*> {};

TEST_P(HubVocabGolden, GivesTheSameTokens) {
  const std::string folder = golden(std::string("tokenizers/") + GetParam());
  LONGHAND_NEED_GOLDEN(folder);
  const Gguf truth = Gguf::open(folder + "/vocab.gguf");
  const TempDir dir;
  dir.write("tokenizer.json", tokenizer_of(truth).dump());
  dir.write("tokenizer_config.json", tokenizer_config_of(truth).dump());
  const MadeVocab made = make_vocab(dir.path().string(), 0, json::object(), GetParam());
  const Tokenizer tokenizer(load_vocab(made.file));
  std::ifstream tests(folder + "/tests.jsonl");
  int checked = 0;
  for (std::string line; std::getline(tests, line); ++checked) {
    const json test = json::parse(line);
    const EncodeFlags flags{.add_special = test.at("add_special"), .parse_special = test.at("parse_special")};
    ASSERT_EQ(tokenizer.encode(test.at("text").get<std::string>(), flags),
              test.at("ids").get<std::vector<Token>>())
        << line;
  }
  EXPECT_GT(checked, 10);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, HubVocabGolden,
                         testing::Values("qwen2", "gpt-2", "starcoder", "deepseek-llm", "llama-spm", "phi-3"),
                         name_of_arch);

// Field `number` with text or message `bytes`.
std::string field(int number, const std::string& bytes) {
  return std::string{char(number << 3 | 2), char(bytes.size())} + bytes;
}
std::string varint(int number, int value) { return {char(number << 3), char(value)}; }
std::string piece(const std::string& text, float score, int type = 1) {
  std::string bytes(sizeof score, '\0');
  std::memcpy(bytes.data(), &score, sizeof score);
  return field(1, field(1, text) + char(2 << 3 | 5) + bytes + varint(3, type));
}
std::string spm_file(int model_type = 2, int dummy_prefix = 1) {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("<0x41>", 0, 6) +
         piece("\xE2\x96\x81", -1) + piece("a", -2) + piece("b", -3) + piece("ab", 0) +
         piece(
             "\xE2\x96\x81"
             "ab",
             0.5f) +
         piece("own", 0, 4) + piece("old", 0, 5) + field(2, varint(3, model_type)) +
         field(3, varint(3, dummy_prefix));
}

TEST(HubVocab, ReadsTokenizerModel) {
  const TempDir dir;
  dir.write("tokenizer.model", spm_file());
  const json config = {{"bos_token_id", 1}, {"eos_token_id", {2, 5}}};
  const MadeVocab made = make_vocab(dir.path().string(), 13, config);
  const Vocab vocab = load_vocab(made.file);
  EXPECT_EQ(vocab.kind, VocabKind::spm);
  EXPECT_TRUE(vocab.add_space_prefix);
  EXPECT_EQ(vocab.bos, 1);
  EXPECT_EQ(vocab.eos, 2);
  EXPECT_EQ(vocab.eot, 5);
  EXPECT_EQ(vocab.types[0], TokenType::unknown);
  EXPECT_EQ(vocab.types[3], TokenType::byte);
  EXPECT_EQ(vocab.types[9], TokenType::normal);
  EXPECT_EQ(vocab.types[10], TokenType::unused);
  EXPECT_EQ(vocab.tokens[12], "[PAD12]");
  EXPECT_EQ(vocab.types[12], TokenType::unused);
  EXPECT_THAT(Tokenizer(vocab).encode("ab A"), ElementsAre(1, 8, 4, 3));
  dir.write("tokenizer.model", spm_file(2, 0));
  EXPECT_FALSE(load_vocab(make_vocab(dir.path().string(), 0, config).file).add_space_prefix);
}

// Models that were tuned further have more tokens than their tokenizer.model.
TEST(HubVocab, ReadsTokensAddedBesideTokenizerModel) {
  const TempDir dir;
  dir.write("tokenizer.model", spm_file());
  dir.write("added_tokens.json", R"({"<|im_start|>": 11, "plain": 12})");
  dir.write("tokenizer_config.json", R"({"eos_token": "<|im_end|>", "added_tokens_decoder": {
    "0": {"content": "<unk>", "special": true}, "13": {"content": "<|im_end|>", "special": true}}})");
  const MadeVocab made = make_vocab(dir.path().string(), 0);
  const Vocab vocab = load_vocab(made.file);
  ASSERT_EQ(vocab.tokens.size(), 14u);
  EXPECT_EQ(vocab.tokens[11], "<|im_start|>");
  EXPECT_EQ(vocab.types[11], TokenType::control);
  EXPECT_EQ(vocab.types[12], TokenType::user_defined);
  EXPECT_EQ(vocab.eos, 13);
  EXPECT_EQ(vocab.types[0], TokenType::unknown);
  EXPECT_THAT(Tokenizer(vocab).encode("<|im_start|>A", {.add_special = false, .parse_special = true}),
              ElementsAre(11, 4, 3));
  dir.write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "y"}}})");
  EXPECT_EQ(code_of([&] { make_vocab(dir.path().string(), 0); }), Errc::corrupt);
}

TEST(HubVocab, RefusesOtherModels) {
  const TempDir dir;
  const auto read = [&] {
    return read_hub_vocab(dir.path().string(), Family{.classes = {}, .architecture = "llama"}, "");
  };
  EXPECT_EQ(code_of(read), Errc::missing);
  dir.write("tokenizer.model", spm_file(1));
  EXPECT_EQ(code_of(read), Errc::unsupported);
  for (const std::string& bytes : {std::string(), std::string("\xFF"), std::string("\x0B"),
                                   spm_file().substr(0, 70), std::string(20, '\xFF')}) {
    dir.write("tokenizer.model", bytes);
    EXPECT_TRUE(code_of(read).has_value());
  }
}

json bpe(const json& extra = json::object()) {
  json model = {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}}, {"merges", {"a b"}}};
  model.update(extra);
  return {{"model", model},
          {"added_tokens",
           {{{"id", 3}, {"content", "<end>"}, {"special", true}},
            {{"id", 5}, {"content", "<|odd|>"}, {"special", false}},
            {{"id", 6}, {"content", "plain"}, {"special", false}}}},
          {"pre_tokenizer", {{"type", "ByteLevel"}}}};
}

TEST(HubVocab, TellsTokensApart) {
  const TempDir dir;
  json tokenizer = bpe();
  tokenizer["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<end>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  dir.write("tokenizer.json", tokenizer.dump());
  dir.write("tokenizer_config.json",
            R"({"bos_token": {"content": "<end>"}, "eos_token": "<|odd|>", "chat_template": "own"})");
  const MadeVocab made = make_vocab(dir.path().string(), 0);
  const Vocab vocab = load_vocab(made.file);
  EXPECT_EQ(vocab.pre, "gpt-2");
  EXPECT_TRUE(vocab.add_bos);
  EXPECT_FALSE(vocab.add_eos);
  EXPECT_EQ(vocab.bos, 3);
  EXPECT_EQ(vocab.eos, 5);
  EXPECT_EQ(vocab.tokens[4], "[PAD4]");
  EXPECT_EQ(vocab.types[4], TokenType::unused);
  EXPECT_EQ(vocab.types[3], TokenType::control);
  EXPECT_EQ(vocab.types[5], TokenType::control);
  EXPECT_EQ(vocab.types[6], TokenType::user_defined);
  EXPECT_EQ(vocab.chat_template, "own");
  dir.write("chat_template.jinja", "a file's");
  EXPECT_EQ(load_vocab(make_vocab(dir.path().string(), 0).file).chat_template, "a file's");
}

TEST(HubVocab, TakesTemplatesByTheirNames) {
  const TempDir dir;
  dir.write("tokenizer.json", bpe().dump());
  dir.write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]})");
  const MadeVocab made = make_vocab(dir.path().string(), 0);
  EXPECT_EQ(load_vocab(made.file).chat_template, "D");
  EXPECT_NE(made.file.find("tokenizer.chat_template.tool_use"), nullptr);
}

// Scores are places in the list of merges; what is in none is merged last, and in order.
TEST(HubVocab, TokensThatNoMergeMakesComeLast) {
  const TempDir dir;
  const json vocab = {{"a", 0}, {"b", 1}, {"ab", 2}, {"aab", 3}, {"ba", 4}, {"bb", 5}, {"<0x41>", 6}};
  const json model = {
      {"type", "BPE"}, {"byte_fallback", true}, {"vocab", vocab}, {"merges", json::array({"a b", "a ab"})}};
  json tokenizer = json::object();
  tokenizer["model"] = model;
  dir.write("tokenizer.json", tokenizer.dump());
  const Family family{.classes = {}, .architecture = "llama"};
  const HubVocab read = read_hub_vocab(dir.path().string(), family, "");
  ASSERT_EQ(read.scores.size(), 7u);
  EXPECT_EQ(read.scores[0], 0);
  EXPECT_EQ(read.scores[6], 0);
  EXPECT_GT(read.scores[2], read.scores[3]);
  EXPECT_LE(read.scores[4], -1e9f);
  EXPECT_LT(read.scores[5], read.scores[4]);
}

TEST(HubVocab, TakesTemplatesFromFilesOfTheirOwn) {
  const TempDir dir;
  dir.write("tokenizer.json", bpe().dump());
  std::filesystem::create_directories(dir.path() / "additional_chat_templates");
  dir.write("chat_template.jinja", "main");
  dir.write("additional_chat_templates/rag.jinja", "rag");
  dir.write("additional_chat_templates/notes.txt", "not a template");
  const MadeVocab made = make_vocab(dir.path().string(), 0);
  EXPECT_EQ(made.file.get_string(key::chat_template), "main");
  EXPECT_NE(made.file.find("tokenizer.chat_template.rag"), nullptr);
  EXPECT_EQ(made.file.find("tokenizer.chat_template.notes"), nullptr);
  EXPECT_EQ(made.file.find("tokenizer.chat_templates")->count, 1u);
}

TEST(HubVocab, RefusesSpoiledTokenizers) {
  const std::pair<json, Errc> spoiled[] = {{json::array(), Errc::corrupt},
                                           {json{{"model", 1}}, Errc::corrupt},
                                           {bpe({{"type", "Unigram"}}), Errc::unsupported},
                                           {bpe({{"type", "WordPiece"}}), Errc::unsupported},
                                           {bpe({{"vocab", nullptr}}), Errc::corrupt},
                                           {bpe({{"vocab", {{"a", -1}}}}), Errc::range},
                                           {bpe({{"vocab", {{"a", 1e15}}}}), Errc::range},
                                           {bpe({{"vocab", {{"a", 4000000000}}}}), Errc::limit},
                                           {bpe({{"merges", 1}}), Errc::corrupt},
                                           {bpe({{"merges", {1}}}), Errc::corrupt},
                                           {bpe({{"merges", {{"a", "b", "c"}}}}), Errc::corrupt}};
  const TempDir dir;
  const auto read = [&] {
    return read_hub_vocab(dir.path().string(), Family{.classes = {}, .architecture = "llama"}, "");
  };
  for (const auto& [tokenizer, code] : spoiled) {
    dir.write("tokenizer.json", tokenizer.dump());
    std::string message;
    EXPECT_EQ(code_of(read, &message), code) << tokenizer;
    EXPECT_THAT(message, HasSubstr("tokenizer.json"));
  }
  json odd = bpe();
  odd["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "x+"}}}};
  dir.write("tokenizer.json", odd.dump());
  std::string message;
  EXPECT_EQ(code_of(read, &message), Errc::unsupported);
  EXPECT_THAT(message, HasSubstr("x+"));
}

}  // namespace
}  // namespace longhand::test
