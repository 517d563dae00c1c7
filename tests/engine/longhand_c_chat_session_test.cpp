// The interface in C: conversations with a session kept in step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

std::string text_of(lh_text text) { return {text.data, text.size}; }

class LonghandCChat : public LonghandC {
 protected:
  LonghandCChat() {
    sampling_ = lh_sampler_defaults();
    sampling_.temperature = 0;
    settings_ = lh_chat_settings_defaults();
    settings_.sampler = &sampling_;
    answer_.size = sizeof answer_;
    turn_.size = sizeof turn_;
  }
  ChatSessionPtr chat(int context = 256) {
    lh_session_options options = small();
    options.context = context;
    lh_chat_session* made = nullptr;
    EXPECT_EQ(lh_chat_session_new(model(), &settings_, &options, nullptr, &made, &error_), LH_OK)
        << error_.message;
    return ChatSessionPtr(made);
  }
  std::string ask(lh_chat_session* chat, const char* message) {
    EXPECT_EQ(lh_chat_session_ask(chat, lh_string(message), nullptr, &answer_, &error_), LH_OK)
        << error_.message;
    return text_of(answer_.text);
  }

  lh_sampler_options sampling_;
  lh_chat_settings settings_;
  lh_chat_answer answer_;
  lh_chat_turn turn_;
};

TEST_F(LonghandCChat, TalksAsCppDoes) {
  const Model same = Model::load(kGuide);
  Chat cpp(same, {.sampler = {.temperature = 0}}, {.context = 256, .threads = 1});
  const ChatSessionPtr c = chat();
  for (const char* message : {"What is the capital of Peru?", "12 + 7", "Thanks!"}) {
    EXPECT_EQ(ask(c.get(), message), cpp.ask(message).text);
    EXPECT_EQ(answer_.reason, LH_STOP_END_OF_GENERATION);
  }
  EXPECT_EQ(lh_chat_session_count(c.get()), 3u);
  ASSERT_EQ(lh_chat_session_turn(c.get(), 1, &turn_, &error_), LH_OK);
  EXPECT_EQ(text_of(turn_.user), "12 + 7");
  EXPECT_EQ(text_of(turn_.answer), cpp.turns()[1].answer);
  EXPECT_NE(turn_.answered, 0);
  EXPECT_EQ(lh_chat_session_turn(c.get(), 3, &turn_, &error_), LH_E_RANGE);

  lh_session* s = lh_chat_session_of(c.get());
  EXPECT_EQ(lh_session_size(s), cpp.session().size());
  lh_session_free(s);  // it stays the chat's
  std::size_t tokens = 0;
  ASSERT_EQ(lh_chat_session_tokens_with(c.get(), lh_string("more"), &tokens, &error_), LH_OK);
  EXPECT_EQ(tokens, cpp.tokens_with("more"));
  std::int32_t to = -1, cost = -1;
  ASSERT_EQ(lh_chat_session_way_back(c.get(), &to, &cost, &error_), LH_OK);
  EXPECT_EQ(to, cpp.way_back().to);
  EXPECT_EQ(cost, cpp.way_back().cost);
}

TEST_F(LonghandCChat, TellsWhatItDoes) {
  const ChatSessionPtr c = chat();
  struct Told {
    std::string text, prompt;
    int reading = 0;
  } told;
  lh_chat_listener listener{};
  listener.size = sizeof listener;
  listener.user = &told;
  listener.on_text = [](void* user, lh_text text, int) {
    static_cast<Told*>(user)->text.append(text.data, text.size);
    return 0;
  };
  listener.on_prompt = [](void* user, lh_text prompt) {
    static_cast<Told*>(user)->prompt = text_of(prompt);
    return 0;
  };
  listener.on_reading = [](void* user, std::int32_t tokens) {
    static_cast<Told*>(user)->reading = tokens;
    return 0;
  };
  ask(c.get(), "What is the capital of Peru?");
  ASSERT_EQ(lh_chat_session_ask(c.get(), lh_string("12 + 7"), &listener, &answer_, &error_), LH_OK);
  EXPECT_EQ(told.text, text_of(answer_.text));
  EXPECT_THAT(told.prompt, HasSubstr("capital of Peru"));
  EXPECT_EQ(told.reading, answer_.read_tokens);
  EXPECT_LT(told.reading, lh_session_size(lh_chat_session_of(c.get())) / 2 + 20);

  // An answer that is stopped is kept; what happens before it begins leaves the turns as they were.
  listener.on_text = [](void*, lh_text, int) { return 1; };
  ASSERT_EQ(lh_chat_session_ask(c.get(), lh_string("hi"), &listener, &answer_, &error_), LH_OK);
  EXPECT_EQ(answer_.reason, LH_STOP_CALLBACK);
  EXPECT_EQ(lh_chat_session_count(c.get()), 3u);
  listener.on_reading = [](void*, std::int32_t) { return 1; };
  EXPECT_EQ(lh_chat_session_ask(c.get(), lh_string("hi"), &listener, &answer_, &error_), LH_E_CANCELLED);
  listener.on_reading = nullptr;
  listener.on_text = [](void*, lh_text, int) -> int { throw std::runtime_error("no"); };
  EXPECT_EQ(lh_chat_session_ask(c.get(), lh_string("hi"), &listener, &answer_, &error_), LH_E_CALLBACK);
  lh_session_cancel(lh_chat_session_of(c.get()));
  EXPECT_EQ(lh_chat_session_ask(c.get(), lh_string("hi"), nullptr, &answer_, &error_), LH_E_CANCELLED);
  lh_session_clear_cancel(lh_chat_session_of(c.get()));
  EXPECT_EQ(lh_chat_session_count(c.get()), 3u);
}

TEST_F(LonghandCChat, GoesBackAndStartsAnew) {
  const ChatSessionPtr c = chat();
  const std::string first = ask(c.get(), "What is the capital of Peru?");
  ASSERT_EQ(lh_chat_session_retry(c.get(), nullptr, &answer_, &error_), LH_OK) << error_.message;
  EXPECT_EQ(text_of(answer_.text), first);
  ask(c.get(), "12 + 7");
  ASSERT_EQ(lh_chat_session_undo(c.get(), &error_), LH_OK);
  EXPECT_EQ(lh_chat_session_count(c.get()), 1u);
  ASSERT_EQ(lh_chat_session_clear(c.get(), &error_), LH_OK);
  EXPECT_EQ(lh_chat_session_count(c.get()), 0u);
  EXPECT_EQ(lh_chat_session_undo(c.get(), &error_), LH_E_RANGE);
  EXPECT_EQ(lh_chat_session_retry(c.get(), nullptr, nullptr, &error_), LH_E_RANGE);

  lh_chat_turn turns[2] = {};
  for (lh_chat_turn& turn : turns) {
    turn.size = sizeof turn;
    turn.user = lh_string("What is the capital of Peru?");
    turn.answer = lh_string("The capital of Peru is Lima.");
    turn.answered = 1;
  }
  ASSERT_EQ(lh_chat_session_restore(c.get(), &settings_, turns, 2, &error_), LH_OK) << error_.message;
  EXPECT_EQ(lh_chat_session_count(c.get()), 2u);
  turns[1].size = 24;
  EXPECT_EQ(lh_chat_session_restore(c.get(), &settings_, turns, 2, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_chat_session_restore(c.get(), &settings_, nullptr, 2, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_chat_session_count(c.get()), 2u);
  ask(c.get(), "12 + 7");
  EXPECT_EQ(lh_chat_session_count(c.get()), 3u);
}

TEST_F(LonghandCChat, ForgetsWhatDoesNotFit) {
  const ChatSessionPtr c = chat(96);
  int dropped = 0;
  for (int i = 0; i < 8; ++i) {
    ask(c.get(), "What is the capital of Peru?");
    dropped += answer_.dropped_turns;
  }
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(lh_chat_session_forgotten(c.get()), dropped);
  EXPECT_EQ(lh_chat_session_count(c.get()), 8u);
}

TEST_F(LonghandCChat, KeepsFirstTurnsAndMovesTheOthers) {
  settings_.keep = 40;
  settings_.max_tokens = 8;
  const ChatSessionPtr c = chat(256);
  int moved = 0, dropped = 0;
  for (int i = 0; i < 20; ++i) {
    ask(c.get(), ("Tell me about number " + std::to_string(i)).c_str());
    moved += answer_.moved_tokens;
    dropped += answer_.dropped_turns;
  }
  EXPECT_GT(dropped, 0);
  EXPECT_GT(moved, 0);
  EXPECT_GT(lh_chat_session_kept(c.get()), 0);
  settings_.context_shift = 0;
  const ChatSessionPtr reading = chat(256);
  for (int i = 0; i < 20; ++i) {
    ask(reading.get(), ("Tell me about number " + std::to_string(i)).c_str());
    EXPECT_EQ(answer_.moved_tokens, 0);
  }
}

TEST_F(LonghandCChat, HasTheDefaultsOfCpp) {
  const lh_chat_settings settings = lh_chat_settings_defaults();
  const ChatSettings cpp;
  EXPECT_EQ(settings.context_shift != 0, cpp.context_shift);
  EXPECT_EQ(settings.keep, cpp.keep);
  EXPECT_EQ(settings.reasoning_budget, cpp.reasoning_budget);
  EXPECT_EQ(settings.reasoning_apart != 0, cpp.reasoning_apart);
}

TEST_F(LonghandCChat, ChangesSettingsOrNone) {
  const ChatSessionPtr c = chat();
  ask(c.get(), "What is the capital of Peru?");
  settings_.max_tokens = 2;
  const char* stop = "zzz";
  settings_.stop = &stop;
  settings_.stop_count = 1;
  ASSERT_EQ(lh_chat_session_change(c.get(), &settings_, &error_), LH_OK) << error_.message;
  ask(c.get(), "What is the capital of Peru?");
  EXPECT_EQ(answer_.reason, LH_STOP_MAX_TOKENS);
  EXPECT_EQ(answer_.written_tokens, 2);
  sampling_.top_p = 7;
  settings_.max_tokens = 1;
  EXPECT_EQ(lh_chat_session_change(c.get(), &settings_, &error_), LH_E_RANGE);
  ask(c.get(), "What is the capital of Peru?");
  EXPECT_EQ(answer_.written_tokens, 2);
  sampling_.top_p = 1;
  sampling_.seed = 99;
  ASSERT_EQ(lh_chat_session_change(c.get(), &settings_, &error_), LH_OK);
  EXPECT_EQ(lh_chat_session_seed(c.get()), 99u);
}

TEST_F(LonghandCChat, GuessesAhead) {
  const ChatSessionPtr c = chat(), plain = chat();
  ASSERT_EQ(lh_chat_session_speculate(c.get(), 1, nullptr, &error_), LH_OK) << error_.message;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(ask(c.get(), "What is the capital of Peru?"), ask(plain.get(), "What is the capital of Peru?"));
  ASSERT_EQ(lh_chat_session_speculate(c.get(), 0, nullptr, &error_), LH_OK);
  lh_speculation_options bad = lh_speculation_defaults();
  bad.most = 1000;
  EXPECT_EQ(lh_chat_session_speculate(c.get(), 1, &bad, &error_), LH_E_RANGE);
}

TEST_F(LonghandCChat, IsNotUsedByItsOwnCallbacks) {
  const ChatSessionPtr c = chat();
  struct Inner {
    lh_chat_session* chat;
    std::vector<lh_status> statuses;
  } inner{c.get(), {}};
  lh_chat_listener listener{};
  listener.size = sizeof listener;
  listener.user = &inner;
  listener.on_reading = [](void* user, std::int32_t) {
    auto& i = *static_cast<Inner*>(user);
    i.statuses = {lh_chat_session_undo(i.chat, nullptr), lh_chat_session_clear(i.chat, nullptr),
                  lh_chat_session_ask(i.chat, lh_string("x"), nullptr, nullptr, nullptr),
                  lh_rewind(lh_chat_session_of(i.chat), 0, nullptr)};
    return 0;
  };
  ASSERT_EQ(lh_chat_session_ask(c.get(), lh_string("12 + 7"), &listener, nullptr, &error_), LH_OK);
  EXPECT_EQ(inner.statuses.size(), 4u);
  EXPECT_THAT(inner.statuses, testing::Each(LH_E_BUSY));
}

TEST_F(LonghandCChat, RefusesWhatIsNothing) {
  const ChatSessionPtr c = chat();
  lh_chat_session* made = nullptr;
  std::size_t tokens = 0;
  std::int32_t number = 0;
  const lh_chat_listener sizeless{};
  lh_chat_answer no_size{};
  const std::vector<lh_status> statuses = {
      lh_chat_session_new(nullptr, nullptr, nullptr, nullptr, &made, &error_),
      lh_chat_session_new(model(), nullptr, nullptr, nullptr, nullptr, &error_),
      lh_chat_session_ask(nullptr, lh_string("x"), nullptr, nullptr, &error_),
      lh_chat_session_ask(c.get(), {nullptr, 3}, nullptr, nullptr, &error_),
      lh_chat_session_ask(c.get(), lh_string("x"), &sizeless, nullptr, &error_),
      lh_chat_session_ask(c.get(), lh_string("x"), nullptr, &no_size, &error_),
      lh_chat_session_retry(nullptr, nullptr, nullptr, &error_),
      lh_chat_session_undo(nullptr, &error_),
      lh_chat_session_clear(nullptr, &error_),
      lh_chat_session_change(nullptr, nullptr, &error_),
      lh_chat_session_restore(nullptr, nullptr, nullptr, 0, &error_),
      lh_chat_session_speculate(nullptr, 1, nullptr, &error_),
      lh_chat_session_turn(nullptr, 0, &turn_, &error_),
      lh_chat_session_turn(c.get(), 0, nullptr, &error_),
      lh_chat_session_tokens_with(nullptr, lh_string("x"), &tokens, &error_),
      lh_chat_session_tokens_with(c.get(), lh_string("x"), nullptr, &error_),
      lh_chat_session_way_back(nullptr, &number, &number, &error_),
      lh_chat_session_way_back(c.get(), nullptr, &number, &error_)};
  EXPECT_THAT(statuses, testing::Each(LH_E_ARGUMENT));
  EXPECT_EQ(lh_chat_session_count(nullptr), 0u);
  EXPECT_EQ(lh_chat_session_forgotten(nullptr), 0);
  EXPECT_EQ(lh_chat_session_seed(nullptr), 0u);
  EXPECT_EQ(lh_chat_session_of(nullptr), nullptr);
  EXPECT_EQ(lh_chat_session_count(c.get()), 0u);
  lh_chat_session_free(nullptr);
}

TEST_F(LonghandCChat, TemplatesTakeToolsAndVariables) {
  lh_chat_options options = lh_chat_defaults();
  options.template_text =
      "{% for m in messages %}{{ m.content }}{% if m.tool_calls %}{% set f = m.tool_calls[0].function %}"
      "<{{ f.name }}{{ f.arguments | tojson }}>{% endif %}{% endfor %}"
      "{% if tools %}{{ tools[0].name }}{% endif %} {{ mood }}";
  lh_chat* made = nullptr;
  ASSERT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_OK);
  const ChatPtr holder(made);
  const lh_message messages[] = {{"user", lh_string("hi"), {nullptr, 0}},
                                 {"assistant", lh_string(""), {nullptr, 0}}};
  const lh_text calls[] = {{nullptr, 0}, lh_string(R"([{"name": "clock"}])")};
  lh_render_options how = lh_render_defaults();
  how.tools = R"([{"name": "lamp"}])";
  how.variables = R"({"mood": "calm"})";
  how.tool_calls = calls;
  char text[200];
  lh_text_buffer out = {text, sizeof text, 0};
  ASSERT_EQ(lh_chat_render(made, {messages, 2}, &how, &out, &error_), LH_OK) << error_.message;
  EXPECT_EQ(std::string_view(text, out.size), "hi<clock{}>lamp calm");
  how.tools = "{";
  EXPECT_EQ(lh_chat_render(made, {messages, 2}, &how, &out, &error_), LH_E_TYPE);
  const Model same = Model::load(kGuide);
  const ChatTemplate written(same);
  const ChatPtr own = own_chat();
  EXPECT_EQ(lh_chat_accepts_system(own.get()) != 0, written.accepts_system());
  EXPECT_EQ(lh_chat_reasons(own.get()) != 0, written.reasons());
  std::size_t warnings = 0;
  while (lh_chat_warning(own.get(), warnings) != nullptr) ++warnings;
  EXPECT_EQ(warnings, written.warnings().size());
}

}  // namespace
}  // namespace longhand::test
