// Values that /set knows, by name.
#include "cli/chat/chat_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/flags/nearest.h"
#include "tests/support/error_code.h"

namespace longhand::cli {
namespace {

using test::code_of;

std::string value_of(const ProgramSettings& settings, std::string_view name) {
  for (const NamedValue& row : list_settings(settings))
    if (row.name == name) return row.value;
  return "absent";
}

TEST(ChatSettings, EveryValueThatIsShownCanBeSetAsItIsShown) {
  ProgramSettings settings;
  settings.stop = {"a b", "\n"};
  settings.sampler.logit_bias = {{5, 1.5F}, {7, -2.0F}};
  settings.variables = R"({"x": 1})";
  settings.sampler.grammar = "root ::= \"a\"";
  ProgramSettings copy;
  for (const NamedValue& row : list_settings(settings)) change_setting(copy, row.name, row.value);
  EXPECT_EQ(copy.stop, settings.stop);
  EXPECT_EQ(copy.sampler.logit_bias, settings.sampler.logit_bias);
  EXPECT_EQ(copy.sampler.stages, settings.sampler.stages);
  EXPECT_EQ(copy.sampler.dry_breakers, settings.sampler.dry_breakers);
  for (const NamedValue& row : list_settings(settings))
    EXPECT_EQ(value_of(copy, row.name), row.value) << row.name;
}

TEST(ChatSettings, EveryOptionOfTheSamplerIsThere) {
  const std::size_t words = 12;  // that have no row in the table
  std::size_t rows = 0;
  each_option(kSamplerOptions, SamplerOptions{}, [&](const auto&, const auto&) { ++rows; });
  EXPECT_GE(list_settings({}).size(), rows + words);
  EXPECT_EQ(value_of({}, "temp"), "0.8");
  EXPECT_EQ(value_of({}, "mirostat"), "0");
  EXPECT_EQ(value_of({}, "context_shift"), "on");
}

TEST(ChatSettings, NamesOfFlagsMeanTheSame) {
  ProgramSettings settings;
  change_setting(settings, "--top-k", "7");
  change_setting(settings, "n", "12");
  change_setting(settings, "temperature", "0.25");
  change_setting(settings, "ignore-eos", "on");
  change_setting(settings, "stop", "END");
  EXPECT_EQ(settings.sampler.top_k, 7);
  EXPECT_EQ(settings.max_tokens, 12);
  EXPECT_EQ(settings.sampler.temperature, 0.25F);
  EXPECT_TRUE(settings.sampler.ignore_eos);
  EXPECT_EQ(settings.stop, std::vector<std::string>{"END"});
  change_setting(settings, "stop", "none");
  EXPECT_TRUE(settings.stop.empty());
}

TEST(ChatSettings, WhatIsNoValueIsRefused) {
  ProgramSettings settings;
  for (const auto& [name, value] : {std::pair{"temp", "warm"},
                                    {"top_k", "1.5"},
                                    {"plain", "maybe"},
                                    {"stop", "[1]"},
                                    {"samplers", "zz"},
                                    {"logit_bias", "x"},
                                    {"nosuch", "1"},
                                    {"think", "hard"}})
    EXPECT_EQ(code_of([&] { change_setting(settings, name, value); }), Errc::range) << name;
}

TEST(NearestWord, IsNearEnoughOrNone) {
  EXPECT_EQ(nearest_word("chta", {"chat", "run"}), "chat");
  EXPECT_EQ(nearest_word("--ctx-sizes", {"--ctx-size", "--chat-template"}), "--ctx-size");
  EXPECT_EQ(nearest_word("zzzz", {"chat", "run"}), "");
  EXPECT_EQ(nearest_word("", {"chat"}), "");
  EXPECT_EQ(nearest_word(std::string(1000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace longhand::cli
