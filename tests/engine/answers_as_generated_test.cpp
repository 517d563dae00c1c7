// Answers keep the tokens they were generated with, whatever the template makes of their text.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/chat/conversation.h"
#include "tests/support/chatml.h"
#include "tests/support/tiny_vocab.h"

namespace longhand {
namespace {

using test::kChatMl;

// A conversation with another template, or another vocabulary.
struct OtherChat {
  OtherChat(Vocab vocab, const char* written)
      : tokenizer(std::move(vocab)), format({written, "", "", "", std::nullopt}) {}
  std::vector<Token> piecewise(const std::vector<std::string>& pieces) const {
    std::vector<Token> out;
    for (const std::string& piece : pieces) {
      const auto some =
          tokenizer.encode(piece, {.add_special = false, .parse_special = true, .continues_text = true});
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }
  // One turn; tokens the session held before it that the prompt of this turn does not share.
  std::size_t turn(const std::string& user, const std::string& text, const std::vector<Token>& tokens) {
    chat.ask(user);
    const TurnPlan plan = chat.plan_turn(held, 100'000, 0);
    const std::size_t lost = held.size() - plan.rewind_to;
    held.resize(plan.rewind_to);
    held.insert(held.end(), plan.new_tokens.begin(), plan.new_tokens.end());
    held.insert(held.end(), tokens.begin(), tokens.end());
    chat.answer({text, "", tokens});
    return lost;
  }
  Tokenizer tokenizer;
  ChatFormat format;
  Conversation chat{format, tokenizer};
  std::vector<Token> held;
};

TEST(AnswersAsGenerated, KeepTheirTokensWhereATemplateTrimsThemAndPutsSpacesAround) {
  const char* written =
      "{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
      "{% else %}{{ ' ' + m.content | trim + ' </s>' }}{% endif %}{% endfor %}";
  for (const bool prefix : {false, true}) {
    OtherChat other{test::tiny_vocab(true, prefix), written};
    for (const auto& pieces : {std::vector<std::string>{" ", "a", "b", "c"},
                               {"a", "b", " !"},
                               {"ab", "c", "\n"},
                               {" ", " ", "c"}}) {
      std::string text;
      for (const std::string& piece : pieces) text += piece;
      other.turn("b", text, other.piecewise(pieces));
      EXPECT_EQ(other.turn("c", "a", other.piecewise({"a"})), 0U) << "'" << text << "'";
    }
  }
}

TEST(AnswersAsGenerated, KeepTheTokensBeforeAStopString) {
  OtherChat other{test::tiny_vocab(), kChatMl};
  other.turn("b", "ab", other.piecewise({"a", "b", "c", "c"}));
  EXPECT_EQ(other.turn("c", "a", other.piecewise({"a"})), 2U) << "the stop string alone is taken back";
}

TEST(AnswersAsGenerated, KeepTheirTokensBehindReasoningThatIsLeftOut) {
  const std::string written = std::string(kChatMl) + "{# <think> </think> #}";
  OtherChat other{test::tiny_vocab(), written.c_str()};
  const std::vector<Token> spelled = other.piecewise({"a", "b", "c"});
  std::vector<Token> all = other.piecewise({"<think>", "b", "</think>", "\n\n"});
  all.insert(all.end(), spelled.begin(), spelled.end());
  other.turn("b", "abc", all);
  other.turn("c", "a", other.piecewise({"a"}));
  EXPECT_FALSE(std::ranges::search(other.held, spelled).empty());
}

}  // namespace
}  // namespace longhand
