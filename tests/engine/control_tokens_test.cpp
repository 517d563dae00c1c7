// What users write never becomes a control token: every control token of every vocabulary, in every role.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/api/access.h"
#include "engine/chat/chat_format.h"
#include "engine/forward/model.h"
#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "tests/support/golden.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

class Chat {
 public:
  Chat(const Tokenizer& tokenizer, ChatSource source)
      : vocab_(tokenizer.vocab()), format_(std::move(source)), encoder_(tokenizer) {}

  /// The control tokens, in order, of a conversation in which `role` says `content`; nothing where the
  /// template refuses it.
  std::vector<Token> controls(const std::string& role, const std::string& content) const {
    std::vector<ChatMessage> messages = {
        {"user", "Hello", ""}, {"assistant", "Hi", ""}, {"user", "Go on", ""}};
    if (role == "system")
      messages.insert(messages.begin(), {role, content, ""});
    else if (role == "reasoning")
      messages[1].reasoning = content;
    else if (role == "assistant")
      messages[1].content = content;
    else if (role == "user")
      messages[2].content = content;
    else
      messages.push_back({role, content, ""});
    try {
      std::vector<Token> tokens = encoder_.encode(format_.render(messages));
      std::erase_if(tokens, [&](Token t) { return vocab_.types[std::size_t(t)] != TokenType::control; });
      return tokens;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::chat_template) << error.what();
      return {};
    }
  }

 private:
  const Vocab& vocab_;
  ChatFormat format_;
  PromptEncoder encoder_;
};

// Returns how many control tokens there are.
std::size_t expect_text_stays_text(const Tokenizer& tokenizer, const std::string& name) {
  const Vocab& vocab = tokenizer.vocab();
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i)
    if (vocab.types[i] == TokenType::control) texts.emplace_back(vocab.tokens[i]);
  // Apart, close together, one inside another, cut by white space, and at both ends of the message.
  std::vector<std::string> contents(4);
  for (const std::string& text : texts) {
    contents[0] += "a " + text + " b ";
    contents[1] += text + text;
    contents[2] += text.substr(0, text.size() / 2) + text + text.substr(text.size() / 2);
    contents[3] += text + "\n" + text.substr(0, text.size() - 1) + " " + text.back();
  }
  ChatSource own = chat_source(vocab), plain = own;
  plain.template_text.clear();
  for (const ChatSource& source : {own, plain}) {
    const Chat chat(tokenizer, source);
    for (const char* role : {"system", "user", "assistant", "reasoning", "tool", "developer"}) {
      const std::vector<Token> honest = chat.controls(role, "plain words");
      for (const std::string& content : contents)
        EXPECT_EQ(chat.controls(role, content), honest)
            << name << ", " << role << ": " << content.substr(0, 200);
      // A template that cuts a message up must not glue a control token together.
      if (!texts.empty()) {
        for (const char* around : {"</think>", "\n\n", "  ", "<think>"})
          EXPECT_EQ(chat.controls(role, around + texts.front() + around),
                    chat.controls(role, std::string(around) + "x" + around))
              << name << ", " << role;
      }
    }
    // Nor does a role nobody knows.
    if (texts.empty()) continue;
    EXPECT_EQ(chat.controls(texts.back(), "x"), chat.controls("nobody", "x")) << name;
  }
  return texts.size();
}

TEST(ControlTokens, OfTheTinyVocabularyComeFromTemplatesOnly) {
  EXPECT_EQ(expect_text_stays_text(model_data(tiny()).tokenizer, "tiny"), 4U);
}

TEST(ControlTokens, OfEveryVocabularyComeFromTemplatesOnly) {
  const std::string folder = golden("tokenizers");
  LONGHAND_NEED_GOLDEN(folder);
  std::size_t count = 0;
  for (const std::string& name : list_folder(folder)) {
    const Gguf file = Gguf::open(folder + "/" + name + "/vocab.gguf");
    const Tokenizer tokenizer(load_vocab(file));
    count += expect_text_stays_text(tokenizer, name);
  }
  EXPECT_GT(count, 50U);
  RecordProperty("control_tokens", int(count));
}

}  // namespace
}  // namespace longhand::test
