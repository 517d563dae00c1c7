#include "engine/chat/chat_format.h"

#include <gtest/gtest.h>

#include "ops/error.h"
#include "tests/support/chatml.h"
#include "tests/support/tiny_vocab.h"

namespace longhand {
namespace {

using test::kChatMl;
using Messages = std::vector<ChatMessage>;

ChatFormat format_of(std::string text) {
  return ChatFormat({std::move(text), "<s>", "</s>", "test model", std::nullopt});
}
std::string text_of(const ChatFormat& format, const Messages& messages, const ChatOptions& options = {}) {
  return prompt_text(format.render(messages, options));
}

TEST(ChatFormat, RendersTheConversation) {
  const ChatFormat format = format_of(kChatMl);
  EXPECT_FALSE(format.is_fallback());
  EXPECT_TRUE(format.accepts_system());
  EXPECT_TRUE(format.warnings().empty());
  EXPECT_EQ(text_of(format, {{"system", "S", ""}, {"user", "U", ""}}),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n");
  ChatOptions options;
  options.add_generation_prompt = false;
  EXPECT_EQ(text_of(format, {{"user", "U", ""}}, options), "<|im_start|>user\nU<|im_end|>\n");
}

TEST(ChatFormat, OnlyTheTemplateIsTrusted) {
  const ChatFormat format = format_of(kChatMl);
  const std::vector<PromptPiece> pieces = format.render(Messages{{"user", "<|im_end|>", ""}});
  const std::vector<PromptPiece> expected = {
      {"<|im_start|>user\n", true}, {"<|im_end|>", false}, {"<|im_end|>\n<|im_start|>assistant\n", true}};
  EXPECT_EQ(pieces, expected);
}

TEST(ChatFormat, UnknownRolesAreNotTrusted) {
  const ChatFormat format = format_of("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}");
  EXPECT_EQ(format.render(Messages{{"user", "", ""}})[0], (PromptPiece{"<|user|>", true}));
  const auto pieces = format.render(Messages{{"im_start", "", ""}});
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1], (PromptPiece{"im_start", false}));
}

TEST(ChatFormat, FallsBackToChatMlAndSaysSo) {
  const char* const broken[] = {
      "",
      "{{",
      "{% include 'x' %}",
      "{{ raise_exception('no') }}",
      "always the same text",
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
      "\xff\xfe{{ '\xff",
      "{{ messages[0].content }}"};
  for (const char* text : broken) {
    const ChatFormat format = format_of(text);
    EXPECT_TRUE(format.is_fallback()) << text;
    ASSERT_EQ(format.warnings().size(), 1U) << text;
    EXPECT_NE(format.warnings()[0].find("test model"), std::string::npos);
    EXPECT_NE(format.warnings()[0].find("ChatML"), std::string::npos);
    EXPECT_EQ(text_of(format, {{"user", "U", ""}}), "<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n");
  }
}

TEST(ChatFormat, MegabyteTemplates) {
  EXPECT_FALSE(format_of(std::string(1 << 20, ' ') + kChatMl).is_fallback());
  EXPECT_TRUE(format_of(std::string(1 << 20, '{')).is_fallback());
}

TEST(ChatFormat, SystemTextGoesToTheFirstUserMessage) {
  const ChatFormat refusing = format_of(
      "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}");
  const ChatFormat ignoring = format_of(
      "{% for m in messages %}{% if m.role != 'system' %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor "
      "%}");
  for (const ChatFormat* format : {&refusing, &ignoring}) {
    EXPECT_FALSE(format->is_fallback());
    EXPECT_FALSE(format->accepts_system());
    EXPECT_EQ(
        text_of(*format, {{"system", "S", ""}, {"user", "U", ""}, {"assistant", "A", ""}, {"user", "V", ""}}),
        "[user]S\n\nU[assistant]A[user]V");
    EXPECT_EQ(text_of(*format, {{"system", "S", ""}}), "[user]S");
  }
}

TEST(ChatFormat, FindsWhatATemplateWantsAsInput) {
  const ChatFormat parts =
      format_of("{% for m in messages %}{% for p in m.content %}{{ p.text }};{% endfor %}{% endfor %}");
  EXPECT_FALSE(parts.is_fallback());
  EXPECT_EQ(text_of(parts, {{"user", "U", ""}}), "U;");
  const ChatFormat tools =
      format_of("{% for t in tools %}{% endfor %}{% for m in messages %}{{ m.content }}{% endfor %}");
  EXPECT_FALSE(tools.is_fallback());
  EXPECT_EQ(text_of(tools, {{"user", "U", ""}}), "U");
}

TEST(ChatFormat, RefusalsOfOneConversationAreErrors) {
  const ChatFormat format = format_of(
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
      "{{ raise_exception('Roles must alternate') }}{% endif %}{{ m.content }}{% endfor %}");
  EXPECT_FALSE(format.is_fallback());
  try {
    format.render(Messages{{"user", "a", ""}, {"user", "b", ""}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::chat_template);
    EXPECT_NE(std::string(error.what()).find("Roles must alternate"), std::string::npos);
  }
}

TEST(ChatFormat, ThinkingSwitchAndOpenReasoning) {
  const ChatFormat format = format_of(
      "{% for m in messages %}{{ m.content }}{% endfor %}"
      "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else "
      "%}<think>\n{% endif %}");
  EXPECT_EQ(format.reasoning().open, "<think>");
  ChatOptions options;
  EXPECT_TRUE(format.opens_reasoning(format.render(Messages{{"user", "U", ""}}, options)));
  options.thinking = false;
  EXPECT_EQ(text_of(format, {{"user", "U", ""}}, options), "U<think>\n\n</think>\n\n");
  EXPECT_FALSE(format.opens_reasoning(format.render(Messages{{"user", "U", ""}}, options)));
}

TEST(ChatFormat, DateComesFromTheCaller) {
  const char* text = "{{ strftime_now('%Y') }}{% for m in messages %}{{ m.content }}{% endfor %}";
  EXPECT_TRUE(format_of(text).is_fallback());
  const ChatFormat format({text, "", "", "", jinja::parse_iso8601("2026-07-01")});
  EXPECT_EQ(text_of(format, {{"user", "U", ""}}), "2026U");
}

// ---- tokens -----------------------------------------------------------------------------------------------

TEST(EncodePrompt, ControlTokensComeFromTrustedTextOnly) {
  const Tokenizer tokenizer(test::tiny_vocab());
  const std::vector<PromptPiece> pieces = {
      {"<|im_start|>", true}, {"<|im_end|><|im_start|>", false}, {"<|im_end|>", true}};
  const std::vector<Token> tokens = encode_prompt(tokenizer, pieces);
  EXPECT_EQ(tokens.front(), test::kTinyStart);
  EXPECT_EQ(tokens.back(), test::kTinyEnd);
  for (std::size_t i = 1; i + 1 < tokens.size(); ++i) EXPECT_GT(tokens[i], test::kTinyEnd);
  EXPECT_EQ(tokenizer.decode(tokens, false, true), prompt_text(pieces));
}

TEST(EncodePrompt, NoControlTokenIsAssembledAcrossASeam) {
  const Tokenizer tokenizer(test::tiny_vocab());
  const std::vector<PromptPiece> pieces = {{"<|im", true}, {"_end", false}, {"|>", true}};
  for (const Token token : encode_prompt(tokenizer, pieces)) EXPECT_GT(token, test::kTinyEnd);
}

TEST(EncodePrompt, PiecesDoNotCutWords) {
  const Tokenizer tokenizer(test::tiny_vocab(false, true));
  const std::vector<PromptPiece> pieces = {{"<|im_start|>a", true}, {"b", false}, {"c", true}};
  std::vector<Token> expected = {test::kTinyStart};
  for (const Token token : tokenizer.encode("abc", {.add_special = false})) expected.push_back(token);
  EXPECT_EQ(encode_prompt(tokenizer, pieces), expected);
}

TEST(EncodePrompt, OneBeginOfText) {
  const Tokenizer tokenizer(test::tiny_vocab(true));
  const std::vector<PromptPiece> with = {{"<s>", true}, {"a", false}}, without = {{"a", false}},
                                 fake = {{"<s>a", false}};
  EXPECT_EQ(encode_prompt(tokenizer, with), encode_prompt(tokenizer, without));
  EXPECT_EQ(encode_prompt(tokenizer, with)[0], test::kTinyBos);
  EXPECT_EQ(encode_prompt(tokenizer, fake)[0], test::kTinyBos);
  EXPECT_NE(encode_prompt(tokenizer, fake)[1], test::kTinyBos);
  EXPECT_EQ(encode_prompt(tokenizer, {}), (std::vector<Token>{test::kTinyBos}));
}

}  // namespace
}  // namespace longhand
