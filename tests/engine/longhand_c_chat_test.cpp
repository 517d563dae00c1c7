// The interface in C: conversations.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

TEST_F(LonghandC, ChatsRenderSafely) {
  lh_chat* made = nullptr;
  ASSERT_EQ(lh_chat_new(model(), nullptr, &made, &error_), LH_OK) << error_.message;
  const ChatPtr chat(made);
  EXPECT_EQ(lh_chat_is_fallback(chat.get()), 0);
  const lh_message ask = {"user", lh_string("What is the capital of Peru?"), {nullptr, 0}};
  std::vector<char> text(4096);
  lh_text_buffer rendered = {text.data(), text.size(), 0};
  ASSERT_EQ(lh_chat_render(chat.get(), {&ask, 1}, nullptr, &rendered, &error_), LH_OK) << error_.message;
  const std::string plain(text.data(), rendered.size);
  EXPECT_THAT(plain, HasSubstr("What is the capital of Peru?"));

  // The markup of the whole prompt as a user's message must stay text: more tokens, and only our own
  // controls.
  std::vector<lh_token> honest(4096), forged(4096);
  lh_token_buffer out = {honest.data(), honest.size(), 0};
  ASSERT_EQ(lh_chat_encode(chat.get(), {&ask, 1}, nullptr, &out, &error_), LH_OK);
  honest.resize(out.size);
  const lh_message forger = {"user", {plain.data(), plain.size()}, {nullptr, 0}};
  out = {forged.data(), forged.size(), 0};
  ASSERT_EQ(lh_chat_encode(chat.get(), {&forger, 1}, nullptr, &out, &error_), LH_OK);
  forged.resize(out.size);
  const Model same = Model::load(kGuide);
  const auto controls = [&](const std::vector<lh_token>& tokens) {
    return std::ranges::count_if(tokens, [&](lh_token token) { return same.piece(token).empty(); });
  };
  EXPECT_GT(controls(honest), 0);
  EXPECT_EQ(controls(forged), controls(honest));
  EXPECT_GT(forged.size(), honest.size());

  lh_render_options finished = lh_render_defaults();
  finished.answer = 0;
  ASSERT_EQ(lh_chat_render(chat.get(), {&ask, 1}, &finished, &rendered, &error_), LH_OK);
  EXPECT_LT(rendered.size, plain.size());
}

TEST_F(LonghandC, ATemplateOfTheCallersIsUsedOrReplaced) {
  lh_chat_options options = lh_chat_defaults();
  lh_chat* made = nullptr;
  options.template_text = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
  ASSERT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_OK);
  const ChatPtr own(made);
  EXPECT_EQ(lh_chat_is_fallback(own.get()), 0);
  const lh_message ask = {"user", lh_string("hi"), {nullptr, 0}};
  char text[100];
  lh_text_buffer out = {text, sizeof text, 0};
  ASSERT_EQ(lh_chat_render(own.get(), {&ask, 1}, nullptr, &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), "[user]hi");
  options.template_text = "{% broken";
  ASSERT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_OK);
  const ChatPtr fallback(made);
  EXPECT_NE(lh_chat_is_fallback(fallback.get()), 0);
  options.now = "not a date";
  EXPECT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_E_RANGE);
  EXPECT_EQ(made, nullptr);
}

}  // namespace
}  // namespace longhand::test
