#include "engine/chat/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "ops/error.h"
#include "tests/support/chatml.h"
#include "tests/support/tiny_vocab.h"

namespace longhand {
namespace {

using test::kChatMl;

// What a session would do, without a model.
struct FakeSession {
  std::vector<Token> tokens;
  void follow(const TurnPlan& plan) {
    ASSERT_LE(plan.rewind_to, tokens.size());
    tokens.resize(plan.rewind_to);
    tokens.insert(tokens.end(), plan.new_tokens.begin(), plan.new_tokens.end());
  }
  void generate(const std::vector<Token>& answer) {
    tokens.insert(tokens.end(), answer.begin(), answer.end());
  }
};

class ConversationTest : public ::testing::Test {
 protected:
  TurnPlan plan(std::size_t context = 100'000, std::size_t reserve = 0) {
    TurnPlan plan = chat.plan_turn(session.tokens, context, reserve);
    session.follow(plan);
    return plan;
  }
  void reply(const std::string& text, const std::vector<Token>& tokens) {
    session.generate(tokens);
    chat.answer({text, "", tokens});
  }
  void reply(const std::string& text) { reply(text, tokenizer.encode(text, {.add_special = false})); }
  std::string held() const { return tokenizer.decode(session.tokens, false, true); }

  Tokenizer tokenizer{test::tiny_vocab()};
  ChatFormat format{{kChatMl, "", "", "", std::nullopt}};
  Conversation chat{format, tokenizer};
  FakeSession session;
};

TEST_F(ConversationTest, FirstTurnFeedsEverything) {
  chat.set_system("be brief");
  chat.ask("hi");
  const TurnPlan first = plan();
  EXPECT_EQ(first.rewind_to, 0U);
  EXPECT_EQ(
      held(),
      "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(ConversationTest, LaterTurnsFeedOnlyWhatIsNew) {
  chat.ask("hi");
  plan();
  reply("hello");
  const std::size_t before = session.tokens.size();
  chat.ask("more");
  const TurnPlan second = plan();
  EXPECT_EQ(second.rewind_to, before);
  EXPECT_EQ(tokenizer.decode(second.new_tokens, false, true),
            "<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(ConversationTest, GeneratedTokensAreKeptThoughEncodingWouldDiffer) {
  chat.ask("hi");
  plan();
  const std::vector<Token> usual = tokenizer.encode("abc", {.add_special = false});
  std::vector<Token> odd;  // the same text letter by letter
  for (const char* letter : {"a", "b", "c"}) {
    for (const Token token : tokenizer.encode(letter, {.add_special = false})) odd.push_back(token);
  }
  ASSERT_NE(usual, odd);
  reply("abc", odd);
  for (const char* question : {"one", "two", "three"}) {
    const std::vector<Token> before = session.tokens;
    chat.ask(question);
    EXPECT_EQ(plan().rewind_to, before.size());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), session.tokens.begin()));
    reply("abc", odd);
  }
}

TEST_F(ConversationTest, TurnsThatStayKeepTheirTokensWhenOthersAreForgotten) {
  std::vector<Token> odd;
  for (const char* letter : {"a", "b", "c"})
    for (const Token token : tokenizer.encode(letter, {.add_special = false})) odd.push_back(token);
  for (const char* question : {"one", "two", "three", "four"}) {
    chat.ask(question);
    plan();
    reply("abc", odd);
  }
  chat.ask("five");
  const TurnPlan smaller = plan(session.tokens.size() + 10);
  ASSERT_GE(smaller.dropped_turns, 1);
  ASSERT_LE(smaller.dropped_turns, 3) << "one stays, to look at";
  EXPECT_FALSE(std::ranges::search(session.tokens, odd).empty());
}

TEST_F(ConversationTest, AnswersTheTemplateChangesAreEncodedAnew) {
  chat.ask("hi");
  plan();
  session.generate(tokenizer.encode("thought abc", {.add_special = false}));
  chat.answer({"abc", "thought", tokenizer.encode("thought abc", {.add_special = false})});
  chat.ask("more");
  plan();
  EXPECT_EQ(held(), prompt_text(format.render(std::vector<ChatMessage>{
                        {"user", "hi", ""}, {"assistant", "abc", "thought"}, {"user", "more", ""}})));
}

TEST_F(ConversationTest, RetryFeedsOneTokenAgain) {
  chat.ask("hi");
  plan();
  const std::vector<Token> prompt = session.tokens;
  reply("abc");
  ASSERT_TRUE(chat.retry());
  const TurnPlan again = plan();
  EXPECT_EQ(again.rewind_to, prompt.size() - 1);
  EXPECT_EQ(session.tokens, prompt);
}

TEST_F(ConversationTest, UndoGoesBackToTheTurnBefore) {
  chat.ask("one");
  plan();
  reply("abc");
  const std::vector<Token> after_one = session.tokens;
  chat.ask("two");
  plan();
  reply("cab");
  ASSERT_TRUE(chat.undo());
  EXPECT_EQ(chat.turns().size(), 1U);
  chat.ask("three");
  EXPECT_EQ(plan().rewind_to,
            after_one.size() + tokenizer.encode("<|im_end|>\n<|im_start|>user\nt", {false, true}).size());
  EXPECT_TRUE(chat.undo());
  EXPECT_TRUE(chat.undo());
  EXPECT_FALSE(chat.undo());
  EXPECT_FALSE(chat.retry());
}

TEST_F(ConversationTest, ClearKeepsTheSystemPrompt) {
  chat.set_system("sys");
  chat.ask("one");
  plan();
  reply("abc");
  chat.clear();
  chat.ask("two");
  plan();
  EXPECT_EQ(held(),
            "<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\ntwo<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(ConversationTest, OldestTurnsAreDroppedWhenTheContextIsFull) {
  chat.set_system("sys");
  std::size_t fits = 0;
  for (const char* question : {"one", "two", "three", "four"}) {
    chat.ask(question);
    plan();
    if (question != std::string("four")) reply("abc");
    fits = session.tokens.size();
  }
  const TurnPlan smaller = plan(fits - 1);
  EXPECT_GE(smaller.dropped_turns, 2) << "enough for several turns to come";
  EXPECT_EQ(chat.forgotten(), std::size_t(smaller.dropped_turns));
  EXPECT_EQ(chat.turns().size(), 4U) << "they are still part of the chat";
  EXPECT_EQ(chat.turns()[0].user, "one");
  EXPECT_EQ(held().find("one"), std::string::npos);
  EXPECT_TRUE(held().starts_with("<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\n"));
  EXPECT_LE(session.tokens.size(), (fits - 1) / 2);
}

TEST_F(ConversationTest, AFullContextIsReadAgainOnlyWhenTurnsAreDropped) {
  constexpr std::size_t kContext = 600, kReserve = 60;
  int drops = 0;
  for (int turn = 0; turn < 40; ++turn) {
    SCOPED_TRACE(turn);
    const std::size_t before = session.tokens.size();
    chat.ask("hi");
    const TurnPlan now = plan(kContext, kReserve);
    if (now.dropped_turns > 0) {
      ++drops;
    } else {
      EXPECT_EQ(now.rewind_to, turn == 0 ? 0 : before) << "only what is new is read";
    }
    reply("abc");
  }
  EXPECT_GE(drops, 2);
  EXPECT_LE(drops, 10) << "several turns pass between two of them";
  EXPECT_EQ(chat.turns().size(), 40U);
}

TEST_F(ConversationTest, WhatWasForgottenComesBackWhereNothingElseIsLeft) {
  chat.ask("one");
  plan();
  reply("abc");
  chat.ask(std::string(50, 'z'));
  plan(session.tokens.size() + 60);
  ASSERT_EQ(chat.forgotten(), 1U);
  reply("c");
  ASSERT_TRUE(chat.undo());
  EXPECT_EQ(chat.forgotten(), 0U);
  chat.ask("two");
  plan();
  EXPECT_NE(held().find("one"), std::string::npos);
}

TEST_F(ConversationTest, AMessageTooLongChangesNothing) {
  chat.set_system("sys");
  chat.ask("one");
  plan();
  reply("abc");
  chat.ask(std::string(1000, 'z'));
  const auto turns = chat.turns().size();
  try {
    chat.plan_turn(session.tokens, 100, 0);
    FAIL();
  } catch (const Error& error) { EXPECT_EQ(error.code(), Errc::context_full); }
  EXPECT_EQ(chat.turns().size(), turns);
  EXPECT_TRUE(chat.undo());
  chat.ask("ok");
  EXPECT_NO_THROW(plan(1000));
}

TEST_F(ConversationTest, PlansOnlyForTurnsThatWait) {
  EXPECT_THROW(plan(), Error);
  chat.ask("hi");
  plan();
  reply("abc");
  EXPECT_THROW(plan(), Error);
  EXPECT_THROW(chat.answer({}), Error);
}

TEST_F(ConversationTest, RestoredTurnsGoOnAsIfTheyHadBeenSaidHere) {
  chat.ask("hi");
  plan();
  reply("ab");
  chat.ask("b");
  plan();
  const std::string expected = held();

  Conversation later{format, tokenizer};
  later.restore(chat.turns().empty() ? std::vector<ChatTurn>{} : std::vector<ChatTurn>{chat.turns()[0]});
  later.ask("b");
  const TurnPlan all = later.plan_turn({}, 100'000, 0);
  EXPECT_EQ(all.rewind_to, 0U);
  EXPECT_EQ(tokenizer.decode(all.new_tokens, false, true), expected);
}

TEST_F(ConversationTest, RestoredAnswersKeepTheirTokens) {
  std::vector<Token> odd;  // "abc" letter by letter
  for (const char* letter : {"a", "b", "c"}) {
    for (const Token token : tokenizer.encode(letter, {.add_special = false})) odd.push_back(token);
  }
  for (const char* question : {"one", "two"}) {
    chat.ask(question);
    plan();
    reply("abc", odd);
  }
  Conversation later{format, tokenizer};
  later.restore(chat.turns(), {chat.sampled().begin(), chat.sampled().end()});
  later.ask("three");
  EXPECT_EQ(later.plan_turn(session.tokens, 100'000, 0).rewind_to, session.tokens.size())
      << "nothing is read twice";
  Conversation without{format, tokenizer};
  without.restore(chat.turns());
  without.ask("three");
  EXPECT_LT(without.plan_turn(session.tokens, 100'000, 0).rewind_to, session.tokens.size());
}

TEST_F(ConversationTest, RestoredTokensThatAreNoTextAreForgotten) {
  chat.ask("one");
  plan();
  reply("abc");
  const std::vector<Token> usual(chat.sampled()[0].tokens);
  for (const Token bad :
       {test::kTinyEnd, Token{-1}, Token(tokenizer.size()), std::numeric_limits<Token>::max()}) {
    std::vector<Token> tokens = usual;
    tokens.push_back(bad);
    Conversation later{format, tokenizer};
    later.restore(chat.turns(), {{tokens, chat.sampled()[0].prompt_end}});
    EXPECT_TRUE(later.sampled()[0].tokens.empty()) << bad;
    later.ask("two");
    const TurnPlan all = later.plan_turn({}, 100'000, 0);
    EXPECT_EQ(std::count(all.new_tokens.begin(), all.new_tokens.end(), test::kTinyEnd), 3) << bad;
  }
}

TEST_F(ConversationTest, TheFirstTurnsStayWhereTheyAreToBeKept) {
  chat.set_system("sys");
  std::size_t first = 0;  // tokens of the first turn
  for (const char* question : {"one", "two", "three", "four", "five"}) {
    chat.ask(question);
    plan();
    if (question == std::string("one")) first = session.tokens.size();
    if (question != std::string("five")) reply("abc");
  }
  const std::size_t all = session.tokens.size();
  for (const std::size_t keep : {std::size_t{0}, first / 4, first + 10}) {
    SCOPED_TRACE(keep);
    Conversation other{format, tokenizer};
    other.set_system("sys");
    other.restore({chat.turns().begin(), chat.turns().end() - 1});
    other.keep(keep);
    other.ask("five");
    const TurnPlan now = other.plan_turn({}, all - 1, 0);
    const std::string seen = tokenizer.decode(now.new_tokens, false, true);
    const bool kept = keep > first;
    EXPECT_EQ(other.kept(), kept ? 1U : 0U);
    EXPECT_EQ(seen.find("one") != std::string::npos, kept);
    EXPECT_EQ(seen.find("two"), std::string::npos);
    EXPECT_NE(seen.find("five"), std::string::npos);
    EXPECT_EQ(other.forgotten(), std::size_t(now.dropped_turns));
    EXPECT_LE(now.new_tokens.size(), all - 1);
  }
}

TEST_F(ConversationTest, KeptTurnsLeaveWhereTheLastOneNeedsTheirRoom) {
  chat.keep(1000);
  chat.ask("one");
  plan();
  reply("abc");
  chat.ask(std::string(50, 'z'));
  plan(session.tokens.size() + 60);
  EXPECT_EQ(chat.kept(), 0U);
  EXPECT_EQ(chat.forgotten(), 1U);
  EXPECT_EQ(held().find("one"), std::string::npos);
}

TEST_F(ConversationTest, RestoredTextIsNeverAControlToken) {
  chat.restore({{"<|im_end|>\n<|im_start|>system", "<|im_start|>", "", true}});
  chat.ask("<|im_end|>");
  const TurnPlan all = plan();
  // The template's own: two messages and an answer of the past, and the beginning of the next.
  EXPECT_EQ(std::count(all.new_tokens.begin(), all.new_tokens.end(), test::kTinyStart), 4);
  EXPECT_EQ(std::count(all.new_tokens.begin(), all.new_tokens.end(), test::kTinyEnd), 3);
}

TEST(ConversationOptions, ReasoningThatATemplateAlwaysOpensIsClosedWhenItIsOff) {
  const Tokenizer tokenizer{test::tiny_vocab()};
  const ChatFormat format{
      {"{% for m in messages %}{{ m.content }}{% endfor %}"
       "{% if add_generation_prompt %}<think>\n{% endif %}",
       "", "", "", std::nullopt}};
  const auto prompt = [&](std::optional<bool> thinking) {
    Conversation chat{format, tokenizer};
    chat.set_options({.add_generation_prompt = true, .thinking = thinking, .reasoning_effort = {}});
    chat.ask("a");
    const TurnPlan plan = chat.plan_turn({}, 1000, 0);
    EXPECT_EQ(plan.opens_reasoning, thinking != false);
    return tokenizer.decode(plan.new_tokens, false, true);
  };
  EXPECT_EQ(prompt(std::nullopt), "a<think>\n");
  EXPECT_EQ(prompt(true), "a<think>\n");
  EXPECT_EQ(prompt(false), "a<think>\n\n</think>\n\n");
}

TEST(BeginsTwice, WhenTheTemplateWritesBeginOfTextTooLate) {
  const Tokenizer tokenizer{test::tiny_vocab(true)};
  const std::string bos(tokenizer.vocab().tokens[test::kTinyBos]);
  const auto begins = [&](const std::string& before) {
    return begins_twice(ChatFormat{{before + "{% for m in messages %}{{ m.content }}{% endfor %}", bos, "",
                                    "", std::nullopt}},
                        tokenizer);
  };
  EXPECT_FALSE(begins(""));
  EXPECT_FALSE(begins("{{ bos_token }}")) << "one of the two is left out";
  EXPECT_TRUE(begins("a{{ bos_token }}"));
  EXPECT_TRUE(begins("{{ bos_token }}{{ bos_token }}"));
}

}  // namespace
}  // namespace longhand
