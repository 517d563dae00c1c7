// Grammars that hold from a trigger on.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "engine/sampling/grammar/grammar_filter.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Tokens of these texts; those in angle brackets with '|' are control tokens, the last one ends generation.
TokenTable table_of(const std::vector<std::string>& texts) {
  const auto control = [](const std::string& text) { return text.starts_with("<|"); };
  TokenTable table;
  table.size = int(texts.size());
  table.piece = [texts, control](Token t) {
    const std::string& text = texts[std::size_t(t)];
    return control(text) ? "" : text;
  };
  table.written_out = [texts](Token t) { return texts[std::size_t(t)]; };
  table.ends_generation = [last = Token(texts.size()) - 1](Token t) { return t == last; };
  table.find = [texts](std::string_view text) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i] == text) return Token(i);
    }
    return kNoToken;
  };
  return table;
}

class Lazy {
 public:
  Lazy(std::vector<std::string> texts, const std::string& gbnf, GrammarTrigger trigger)
      : texts_(std::move(texts)), filter_(gbnf, table_of(texts_), std::move(trigger)) {}

  Token id(const std::string& text) const {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (texts_[i] == text) return Token(i);
    }
    ADD_FAILURE() << text;
    return 0;
  }
  // Asks and masks; both must agree.
  bool allows(const std::string& text) {
    const bool allowed = filter_.allows(id(text));
    std::vector<float> logits(texts_.size(), 0.0f);
    filter_.mask(logits);
    EXPECT_EQ(logits[std::size_t(id(text))] != kNever, allowed) << text;
    return allowed;
  }
  void take(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      EXPECT_TRUE(allows(text)) << text;
      filter_.accept(id(text));
    }
  }
  void begin_text(int quiet) { filter_.begin_text(quiet); }

 private:
  std::vector<std::string> texts_;
  GrammarFilter filter_;
};

const std::vector<std::string> kTexts = {"a",       "b",          "<call>", "<ca",   "ll>",    "<call>a",
                                         "<call>b", "xx<call>ab", "<",      "c",     "all",    ">",
                                         "<t>",     "</t>",       " ",      "<|m|>", "<|eog|>"};

GrammarTrigger on_call() {
  GrammarTrigger trigger;
  trigger.starts = {{"<call>", ""}};
  return trigger;
}

TEST(LazyGrammar, HoldsFromATriggerOnHoweverItIsCut) {
  const std::vector<std::vector<std::string>> ways = {
      {"<call>"}, {"<ca", "ll>"}, {"<", "c", "all", ">"}, {"b", "<call>"}, {"<", "<ca", "ll>"}};
  for (const auto& way : ways) {
    Lazy lazy(kTexts, R"(root ::= "ab")", on_call());
    lazy.take(way);
    EXPECT_TRUE(lazy.allows("a"));
    EXPECT_FALSE(lazy.allows("b"));
    EXPECT_FALSE(lazy.allows("<|eog|>"));
    lazy.take({"a", "b", "<|eog|>"});
    lazy.take({"b", "b"});  // another answer, which waits again
  }
}

TEST(LazyGrammar, TextBehindTheTriggerInItsTokenIsHeldToo) {
  Lazy lazy(kTexts, R"(root ::= "ab")", on_call());
  EXPECT_TRUE(lazy.allows("<call>a"));
  EXPECT_FALSE(lazy.allows("<call>b"));
  EXPECT_TRUE(lazy.allows("xx<call>ab"));
  lazy.take({"<call>a"});
  EXPECT_FALSE(lazy.allows("a"));
  lazy.take({"b"});
  EXPECT_TRUE(lazy.allows("<|eog|>"));
  EXPECT_FALSE(lazy.allows("a"));
}

TEST(LazyGrammar, TheGrammarIsFedWhatTheTriggerStandsFor) {
  GrammarTrigger trigger;
  trigger.starts = {{"<call>", "a"}};
  Lazy lazy(kTexts, R"(root ::= "ab")", trigger);
  lazy.take({"<call>"});
  EXPECT_FALSE(lazy.allows("a"));
  EXPECT_TRUE(lazy.allows("b"));
}

TEST(LazyGrammar, QuietTextDoesNotTrigger) {
  GrammarTrigger trigger = on_call();
  trigger.quiet = {{"<t>", {"</t>"}}};
  Lazy lazy(kTexts, R"(root ::= "ab")", trigger);
  lazy.take({"<t>", "<call>", "b", "</t>", "b", "<call>"});
  EXPECT_FALSE(lazy.allows("b"));
  lazy.begin_text(0);
  lazy.take({"<call>", "b", "</t>", "<call>"});
  EXPECT_FALSE(lazy.allows("b"));
  trigger.begins_quiet = 0;
  Lazy inside(kTexts, R"(root ::= "ab")", trigger);
  inside.take({"<call>b", "</t>", "<ca", "ll>"});
  EXPECT_FALSE(inside.allows("b"));
}

TEST(LazyGrammar, SomeTriggersCountAtTheStartAlone) {
  GrammarTrigger trigger;
  trigger.starts = {{"<call>", "", true}};
  trigger.quiet = {{"<t>", {"</t>"}}};
  Lazy lazy(kTexts, R"(root ::= "ab")", trigger);
  lazy.take({"b", "<call>", "b", "<|eog|>", " ", "<t>", "b", "</t>", " ", "<ca", "ll>"});
  EXPECT_FALSE(lazy.allows("b"));
}

TEST(LazyGrammar, ControlTokensTriggerWhereTheyAreWrittenOut) {
  GrammarTrigger trigger;
  trigger.starts = {{"<|m|>", ""}};
  Lazy blind(kTexts, R"(root ::= "ab")", trigger);
  blind.take({"<|m|>", "b"});
  trigger.written_out = {15};
  Lazy lazy(kTexts, R"(root ::= "ab" <|m|>)", trigger);
  lazy.take({"<|m|>"});
  EXPECT_FALSE(lazy.allows("b"));
  lazy.take({"a", "b"});
  EXPECT_FALSE(lazy.allows("<|eog|>"));
  lazy.take({"<|m|>", "<|eog|>"});
}

}  // namespace
}  // namespace longhand
