// The interface in C: functions that a model may call.
#include "engine/longhand_c_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/longhand_c.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

const char* const kOffer = R"([{"type": "function", "function": {"name": "find", "description": "Finds it.",
  "parameters": {"type": "object", "properties": {"what": {"enum": ["Peru", "Chad"]}}, "required": ["what"]}}}])";

using ToolsPtr = std::unique_ptr<lh_tools, Freer<lh_tools, lh_tools_free>>;
using AnswerPtr = std::unique_ptr<lh_answer, Freer<lh_answer, lh_answer_free>>;

class LonghandCTools : public LonghandC {
 protected:
  void SetUp() override {
    lh_chat* made = nullptr;
    ASSERT_EQ(lh_chat_new(model(), nullptr, &made, &error_), LH_OK) << error_.message;
    chat_.reset(made);
  }
  ToolsPtr tools(lh_tool_choice choice) {
    lh_tools* made = nullptr;
    EXPECT_EQ(
        lh_tools_new(chat_.get(), {lh_string(kOffer), choice, nullptr, 1, {nullptr, 0}}, &made, &error_),
        LH_OK)
        << error_.message;
    return ToolsPtr(made);
  }
  // The prompt of one question, and what opens the answer.
  void ask(const lh_tools* tools) {
    const lh_message question{"user", lh_string("What is the capital of Peru?"), lh_string("")};
    ASSERT_EQ(lh_tools_encode(tools, {&question, 1}, nullptr, &prompt_, &opens_, &error_), LH_OK);
  }
  // What the model answers under the grammar of the tools; valid as long as the session.
  void answer(const lh_tools* tools, lh_tokens written_out = {nullptr, 0}) {
    lh_sampler* made = nullptr;
    ASSERT_EQ(lh_tools_sampler(tools, model(), nullptr, opens_, &made, &error_), LH_OK) << error_.message;
    const SamplerPtr sampler(made);
    lh_session_options how = small();
    how.context = 1024;
    session_ = session(how);
    lh_generate_options options = lh_generate_defaults();
    options.written_out = written_out;
    options.max_tokens = 200;
    result_.size = sizeof result_;
    ASSERT_EQ(lh_generate(session_.get(), made, {prompt_.data, prompt_.size}, &options, &result_, &error_),
              LH_OK)
        << error_.message;
  }
  ChatPtr chat_;
  SessionPtr session_;
  std::vector<lh_token> tokens_ = std::vector<lh_token>(1000);
  lh_token_buffer prompt_{tokens_.data(), tokens_.size(), 0};
  int32_t opens_ = -1;
  lh_generate_result result_{};
};

TEST_F(LonghandCTools, ARequiredCallIsMadeAndParsed) {
  const ToolsPtr offered = tools(LH_TOOLS_REQUIRED);
  EXPECT_STREQ(lh_tools_form(offered.get()), "hermes");
  EXPECT_EQ(lh_tools_note(offered.get(), 0), nullptr);
  ASSERT_NO_FATAL_FAILURE(ask(offered.get()));
  EXPECT_EQ(opens_, 0);
  std::vector<lh_token> shown(100);
  lh_token_buffer written_out{shown.data(), shown.size(), 0};
  ASSERT_EQ(lh_tools_written_out(offered.get(), &written_out, &error_), LH_OK);
  ASSERT_NO_FATAL_FAILURE(answer(offered.get(), {written_out.data, written_out.size}));
  lh_answer* made = nullptr;
  ASSERT_EQ(lh_answer_new(offered.get(), {prompt_.data, prompt_.size}, opens_, &made, &error_), LH_OK);
  const AnswerPtr parsed(made);
  std::string heard;
  const lh_on_answer hear = [](void* user, const lh_answer_event* event) {
    auto& text = *reinterpret_cast<std::string*>(user);
    if (event->kind == LH_ANSWER_CALL_BEGIN) text += std::string(event->name) + ":";
    text += std::string(event->text.data, event->text.size);
    return 0;
  };
  ASSERT_EQ(lh_answer_push(made, result_.text, hear, &heard, &error_), LH_OK);
  ASSERT_EQ(lh_answer_finish(made, hear, &heard, &error_), LH_OK);
  ASSERT_EQ(lh_answer_call_count(made), 1U) << std::string(result_.text.data, result_.text.size);
  lh_tool_call call{};
  ASSERT_EQ(lh_answer_call(made, 0, &call, &error_), LH_OK);
  EXPECT_STREQ(call.name, "find");
  EXPECT_EQ(call.whole, 1);
  const std::string arguments(call.arguments.data, call.arguments.size);
  EXPECT_EQ(heard, "find:" + arguments);
  EXPECT_EQ(nlohmann::json::parse(arguments).size(), 1U);
  EXPECT_EQ(lh_answer_call(made, 1, &call, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_answer_content(made).size, 0U);
}

TEST_F(LonghandCTools, CallsAndResultsGoOnInTheConversation) {
  const ToolsPtr offered = tools(LH_TOOLS_AUTOMATIC);
  const std::vector<lh_message> said = {{"user", lh_string("Where?"), lh_string("")},
                                        {"assistant", lh_string(""), lh_string("")},
                                        {"tool", lh_string("Lima it is"), lh_string("")}};
  const std::vector<lh_text> calls = {
      lh_string(""),
      lh_string(R"([{"id": "a", "function": {"name": "find", "arguments": "{\"what\": \"Peru\"}"}}])"),
      lh_string("")};
  const std::vector<lh_text> ids = {lh_string(""), lh_string(""), lh_string("a")};
  lh_render_options options = lh_render_defaults();
  options.tool_calls = calls.data();
  options.tool_call_ids = ids.data();
  std::vector<lh_token> tokens(2000);
  lh_token_buffer prompt{tokens.data(), tokens.size(), 0};
  ASSERT_EQ(lh_tools_encode(offered.get(), {said.data(), said.size()}, &options, &prompt, nullptr, &error_),
            LH_OK)
      << error_.message;
  std::vector<char> chars(8000);
  lh_text_buffer text{chars.data(), chars.size(), 0};
  ASSERT_EQ(lh_chat_render(chat_.get(), {said.data(), said.size()}, &options, &text, &error_), LH_OK);
  EXPECT_THAT(std::string(text.data, text.size), HasSubstr("Lima it is"));
  EXPECT_THAT(std::string(text.data, text.size), HasSubstr("\"find\""));
}

// No tools, and answers that are held to a schema.
TEST_F(LonghandCTools, AnswersSatisfyTheirSchema) {
  const char* schema = R"({"type": "object", "properties": {"city": {"enum": ["Lima", "Quito"]}},
    "required": ["city"], "additionalProperties": false})";
  lh_tools* made = nullptr;
  ASSERT_EQ(lh_tools_new(chat_.get(), {{nullptr, 0}, LH_TOOLS_AUTOMATIC, nullptr, 0, lh_string(schema)},
                         &made, &error_),
            LH_OK)
      << error_.message;
  const ToolsPtr tools(made);
  ASSERT_NO_FATAL_FAILURE(ask(made));
  ASSERT_NO_FATAL_FAILURE(answer(made));
  const auto said = nlohmann::json::parse(std::string(result_.text.data, result_.text.size));
  EXPECT_THAT(said.at("city").get<std::string>(), testing::AnyOf("Lima", "Quito"));
  EXPECT_EQ(said.size(), 1u);
}

TEST_F(LonghandCTools, MistakesAreTold) {
  lh_tools* made = nullptr;
  const auto offer = [&](const char* json, int choice, const char* schema = "") {
    return lh_tools_new(chat_.get(), {lh_string(json), lh_tool_choice(choice), nullptr, 0, lh_string(schema)},
                        &made, &error_);
  };
  EXPECT_EQ(offer("{", 0), LH_E_TYPE);
  EXPECT_EQ(offer("[]", 2), LH_E_RANGE);
  EXPECT_EQ(offer(kOffer, 0, "{"), LH_E_GRAMMAR);
  EXPECT_EQ(offer(kOffer, 0, R"({"type": "string", "minLength": 5, "maxLength": 2})"), LH_E_GRAMMAR);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(lh_tools_new(nullptr, {lh_string("[]"), LH_TOOLS_NONE, nullptr, 0, {nullptr, 0}}, &made, &error_),
            LH_E_ARGUMENT);
  EXPECT_EQ(lh_answer_new(nullptr, {nullptr, 0}, 0, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_answer_push(nullptr, lh_string(""), nullptr, nullptr, &error_), LH_E_ARGUMENT);
  lh_tools_free(nullptr);
  lh_answer_free(nullptr);
}

}  // namespace
}  // namespace longhand::test
