// The interface in C, used wrongly: NULL for everything, calls out of order.
#include "engine/longhand_c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/longhand_c.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

TEST_F(LonghandC, NullIsAnErrorEverywhereAndFreeingItIsNone) {
  const auto made = session();
  const auto chooser = greedy();
  const auto chat = own_chat();
  lh_session* session_out = nullptr;
  lh_sampler* sampler_out = nullptr;
  lh_chat* chat_out = nullptr;
  lh_speculation* speculation_out = nullptr;
  lh_model* model_out = nullptr;
  lh_token token = 1;
  lh_token_buffer tokens = {&token, 1, 0};
  char character;
  lh_text_buffer text = {&character, 1, 0};
  lh_logits logits{};
  lh_model_info info{};
  info.size = sizeof info;
  std::uint64_t bytes = 0;
  const lh_message no_role = {nullptr, lh_string("x"), {nullptr, 0}};
  const lh_message no_content = {"user", {nullptr, 3}, {nullptr, 0}};
  const lh_tokens given = {&token, 1}, behind_null = {nullptr, 3};
  const auto calls = [&](lh_error* error) {
    return std::vector<lh_status>{
        lh_model_load(nullptr, nullptr, &model_out, error),
        lh_model_load(kGuide, nullptr, nullptr, error),
        lh_model_get_info(nullptr, &info, error),
        lh_model_get_info(model(), nullptr, error),
        lh_encode(nullptr, lh_string("x"), 0, &tokens, error),
        lh_encode(model(), {nullptr, 1}, 0, &tokens, error),
        lh_encode(model(), lh_string("x"), 0, nullptr, error),
        lh_encode(model(), lh_string("x"), 4, &tokens, error),
        lh_decode(nullptr, given, &text, error),
        lh_decode(model(), behind_null, &text, error),
        lh_decode(model(), given, nullptr, error),
        lh_piece(nullptr, 1, &text, error),
        lh_piece(model(), 1, nullptr, error),
        lh_session_new(nullptr, nullptr, &session_out, error),
        lh_session_new(model(), nullptr, nullptr, error),
        lh_feed(nullptr, given, &logits, error),
        lh_feed(made.get(), behind_null, &logits, error),
        lh_feed_embeddings(nullptr, nullptr, 1, nullptr, &logits, error),
        lh_feed_embeddings(made.get(), nullptr, 1, nullptr, &logits, error),
        lh_feed_each(nullptr, given, nullptr, nullptr, error),
        lh_feed_each(made.get(), given, nullptr, nullptr, error),
        lh_get_logits(nullptr, 0, &logits, error),
        lh_get_logits(made.get(), 0, nullptr, error),
        lh_rewind(nullptr, 0, error),
        lh_save_state(nullptr, "state", error),
        lh_save_state(made.get(), nullptr, error),
        lh_restore_state(nullptr, "state", error),
        lh_restore_state(made.get(), nullptr, error),
        lh_state_bytes(nullptr, &bytes, error),
        lh_state_bytes(made.get(), nullptr, error),
        lh_sampler_new(nullptr, nullptr, &sampler_out, error),
        lh_sampler_new(model(), nullptr, nullptr, error),
        lh_sample(nullptr, logits, &token, error),
        lh_sample(chooser.get(), logits, nullptr, error),
        lh_sample(chooser.get(), {nullptr, 5}, &token, error),
        lh_sampler_accept(chooser.get(), behind_null, error),
        lh_sampler_accept(nullptr, given, error),
        lh_sampler_reset(nullptr, error),
        lh_generate(nullptr, chooser.get(), given, nullptr, nullptr, error),
        lh_generate(made.get(), nullptr, given, nullptr, nullptr, error),
        lh_generate(made.get(), chooser.get(), behind_null, nullptr, nullptr, error),
        lh_speculation_new(nullptr, nullptr, &speculation_out, error),
        lh_speculation_new(made.get(), nullptr, nullptr, error),
        lh_chat_new(nullptr, nullptr, &chat_out, error),
        lh_chat_new(model(), nullptr, nullptr, error),
        lh_chat_encode(chat.get(), {nullptr, 1}, nullptr, &tokens, error),
        lh_chat_encode(chat.get(), {&no_role, 1}, nullptr, &tokens, error),
        lh_chat_encode(chat.get(), {&no_content, 1}, nullptr, &tokens, error),
        lh_chat_encode(chat.get(), {nullptr, 0}, nullptr, nullptr, error),
        lh_chat_encode(nullptr, {nullptr, 0}, nullptr, &tokens, error),
        lh_chat_render(chat.get(), {&no_role, 1}, nullptr, &text, error),
        lh_chat_render(chat.get(), {nullptr, 0}, nullptr, nullptr, error),
        lh_chat_render(nullptr, {nullptr, 0}, nullptr, &text, error),
        lh_chat_reasoning_tokens(chat.get(), nullptr, error),
        lh_chat_reasoning_tokens(nullptr, &tokens, error)};
  };
  for (lh_error* error : {&error_, static_cast<lh_error*>(nullptr)}) {
    const std::vector<lh_status> statuses = calls(error);
    for (std::size_t i = 0; i < statuses.size(); ++i) EXPECT_EQ(statuses[i], LH_E_ARGUMENT) << "call " << i;
  }
  EXPECT_EQ(model_out, nullptr);
  EXPECT_EQ(session_out, nullptr);
  EXPECT_EQ(sampler_out, nullptr);
  EXPECT_EQ(chat_out, nullptr);
  EXPECT_EQ(speculation_out, nullptr);
  EXPECT_EQ(lh_session_size(nullptr), 0);
  EXPECT_EQ(lh_session_tokens(nullptr).size, 0u);
  EXPECT_EQ(lh_sampler_seed(nullptr), 0u);
  EXPECT_EQ(lh_ends_generation(nullptr, 1), 0);
  EXPECT_EQ(lh_chat_is_fallback(nullptr), 0);
  EXPECT_EQ(lh_string(nullptr).size, 0u);
  lh_session_cancel(nullptr);
  lh_session_clear_cancel(nullptr);
  lh_model_free(nullptr);
  lh_session_free(nullptr);
  lh_sampler_free(nullptr);
  lh_chat_free(nullptr);
  lh_speculation_free(nullptr);
  EXPECT_EQ(lh_session_rewind_cost(nullptr, 0), 0);
  EXPECT_EQ(lh_model_warning(nullptr, 0), nullptr);
  EXPECT_EQ(lh_session_context(nullptr) + lh_session_threads(nullptr), 0);
  EXPECT_EQ(lh_session_bytes(nullptr), 0u);
  EXPECT_EQ(lh_session_context_was_cut(nullptr), 0);
  lh_options_init(LH_LOAD_OPTIONS, nullptr, 8);
}

// Calls in an order nobody means, and what a session is worth after them.
TEST_F(LonghandC, CallsOutOfOrderAreRefusedAndDoNoHarm) {
  const TempDir dir;
  const auto s = session(), fresh = session();
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  lh_logits logits{};
  lh_token token = 0;
  ASSERT_EQ(lh_feed(fresh.get(), view(prompt), &logits, &error_), LH_OK);
  const std::vector<float> expected(logits.data, logits.data + logits.size);

  const lh_tokens nothing = {nullptr, 0};
  EXPECT_EQ(lh_get_logits(s.get(), 0, &logits, &error_), LH_E_RANGE) << "before any feed";
  EXPECT_EQ(lh_get_logits(s.get(), -1, &logits, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_feed(s.get(), nothing, &logits, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), nothing, nullptr, nullptr, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_rewind(s.get(), 1, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_rewind(s.get(), -1, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_restore_state(s.get(), dir.file("none").c_str(), &error_), LH_E_IO);
  EXPECT_EQ(lh_sample(chooser.get(), {nullptr, 0}, &token, &error_), LH_E_SHAPE);
  EXPECT_EQ(lh_rewind(s.get(), 0, &error_), LH_OK);
  EXPECT_EQ(lh_sampler_reset(chooser.get(), &error_), LH_OK) << "nothing is there to forget";
  lh_session_cancel(s.get());
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), nullptr, nullptr, &error_), LH_E_CANCELLED);
  lh_session_clear_cancel(s.get());
  lh_session_clear_cancel(s.get());

  EXPECT_EQ(lh_session_size(s.get()), 0);
  ASSERT_EQ(lh_feed(s.get(), view(prompt), &logits, &error_), LH_OK) << error_.message;
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), logits.data));
}

TEST_F(LonghandC, HandlesOfAnotherModelAreRefused) {
  const TempDir dir;
  const ModelPtr tiny = tiny_model(dir.file("tiny.gguf"));
  ASSERT_NE(tiny, nullptr);
  lh_sampler* foreign = nullptr;
  ASSERT_EQ(lh_sampler_new(tiny.get(), nullptr, &foreign, &error_), LH_OK);
  const SamplerPtr sampler(foreign);
  lh_session* session_out = nullptr;
  ASSERT_EQ(lh_session_new(tiny.get(), nullptr, &session_out, &error_), LH_OK);
  const SessionPtr small_session(session_out);
  const auto own = greedy();
  // More logits than the sampler has tokens may be padding; fewer cannot be.
  const lh_token token = 1;
  EXPECT_EQ(lh_generate(small_session.get(), own.get(), {&token, 1}, nullptr, nullptr, &error_), LH_E_SHAPE);
  lh_generate_options few = lh_generate_defaults();
  few.max_tokens = 3;
  const auto s = session();
  EXPECT_EQ(lh_generate(s.get(), sampler.get(), {&token, 1}, &few, nullptr, &error_), LH_E_SHAPE);
}

}  // namespace
}  // namespace longhand::test
