// Pre-tokenizers recognised by what published tokenizer.json files say.
#include "engine/make/convert/tokenizer/pre_match.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "loaders/vocab/pre_types.h"
#include "tests/support/error_code.h"

namespace longhand::test {
namespace {

using nlohmann::json;

json split(const std::string& regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}
json sequence(std::vector<json> steps) {
  steps.push_back(
      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

const json kByteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
const json kDigits = {{"type", "Digits"}, {"individual_digits", true}};
const std::string kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kDeepseekWords =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Published {
  const char* pre;
  json cuts;
  bool ignores_merges = false;
  std::vector<std::string_view> preferred = {};
};

TEST(PreMatch, KnowsPublishedTokenizers) {
  const Published all[] = {
      {"llama-bpe", sequence({split(kLlama3)}), true},
      {"lfm2", sequence({split(kLlama3)}), true, {"lfm2"}},
      {"glm4", sequence({split(kLlama3)}), false, {"glm4"}},
      {"dbrx", sequence({split(kLlama3)})},
      {"qwen2", sequence({split(kQwen2)})},
      {"qwen35", sequence({split(kQwen35)})},
      {"gpt-4o", sequence({split(kGpt4o)})},
      {"tekken", sequence({split(kTekken)}), true},
      {"deepseek-v3",
       sequence({split(R"(\p{N}{1,3})"),
                 split("[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+"),
                 split(kDeepseekWords)})},
      {"gpt-2", kByteLevel},
      {"starcoder", {{"type", "Sequence"}, {"pretokenizers", {kDigits, kByteLevel}}}},
  };
  for (const Published& one : all) {
    EXPECT_EQ(match_pre_tokenizer(cutting_expressions(one.cuts, "tokenizer.json"), one.ignores_merges,
                                  one.preferred),
              one.pre);
  }
}

TEST(PreMatch, TakesWhatCutsAlikeWhereMergesAreTreatedOtherwise) {
  EXPECT_EQ(match_pre_tokenizer(cutting_expressions(sequence({split(kQwen2)}), ""), true, {}), "qwen2");
}

TEST(PreMatch, SaysNothingOfOthers) {
  EXPECT_EQ(match_pre_tokenizer(cutting_expressions(sequence({split("a+")}), ""), false, {}), "");
  EXPECT_EQ(match_pre_tokenizer(cutting_expressions(sequence({split(kQwen2), split(kQwen2)}), ""), false, {}),
            "");
}

// A run of digits is not cut into single ones by anything.
TEST(PreMatch, TellsRunsOfDigitsFromSingleOnes) {
  const json runs = {{"type", "Digits"}, {"individual_digits", false}};
  const json cuts = {{"type", "Sequence"}, {"pretokenizers", {runs, kByteLevel}}};
  EXPECT_EQ(match_pre_tokenizer(cutting_expressions(cuts, ""), false, {}), "");
  // One type is known by files that say the other.
  std::vector<std::string> published;
  for (const SplitPass& pass : find_pre_type("deepseek-llm")->passes)
    published.push_back(cutting_expressions(split(std::string(pass.regex)), "").front());
  ASSERT_EQ(published.back(), R"(\p{N}+)");
  EXPECT_EQ(match_pre_tokenizer(published, false, {}), "deepseek-llm");
  published.back() = R"(\p{N})";
  EXPECT_EQ(match_pre_tokenizer(published, false, {}), "deepseek-llm");
}

TEST(PreMatch, RefusesSpacesAndNormalizersThatNobodyApplies) {
  json cuts = kByteLevel;
  cuts["add_prefix_space"] = true;
  EXPECT_EQ(code_of([&] { cutting_expressions(cuts, ""); }), Errc::unsupported);
  const json nfc = {{"type", "NFC"}}, lower = {{"type", "Lowercase"}};
  for (const json& fine : {nfc, json{{"type", "Sequence"}, {"normalizers", json::array()}},
                           json{{"type", "Sequence"}, {"normalizers", {nfc}}}})
    EXPECT_NO_THROW(check_normalizer(fine, "")) << fine;
  const json inner = {{"type", "Sequence"}, {"normalizers", json::array()}};
  for (const json& other :
       {lower, json{{"type", "Replace"}}, json{{"type", "Sequence"}, {"normalizers", {nfc, lower}}},
        json{{"type", "Sequence"}, {"normalizers", {inner}}}, json("NFC"), json::object()})
    EXPECT_EQ(code_of([&] { check_normalizer(other, ""); }), Errc::unsupported) << other;
}

TEST(PreMatch, RefusesOtherKinds) {
  for (const json& cuts : {json{{"type", "WhitespaceSplit"}}, json("ByteLevel"), json::object(),
                           json{{"type", "Split"}, {"pattern", {{"String", " "}}}},
                           json{{"type", "Sequence"}, {"pretokenizers", {{{"type", "Metaspace"}}}}}}) {
    EXPECT_EQ(code_of([&] { cutting_expressions(cuts, "tokenizer.json"); }), Errc::unsupported) << cuts;
  }
  json nested = kByteLevel;
  for (int i = 0; i < 50; ++i) nested = {{"type", "Sequence"}, {"pretokenizers", {nested}}};
  EXPECT_EQ(code_of([&] { cutting_expressions(nested, ""); }), Errc::unsupported);
}

}  // namespace
}  // namespace longhand::test
