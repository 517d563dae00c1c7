// Memory that runs out behind the interface in C: always that status, never an exception.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "engine/longhand_c.h"
#include "tests/faults/system_calls.h"
#include "tests/support/allocations.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

/// `call` until it has all the memory it wants, which must then give LH_OK; what it made is `undo`ne each
/// time.
std::size_t run_out(const std::function<lh_status(lh_error*)>& call, const std::function<void()>& undo,
                    std::size_t stride = 1) {
  EXPECT_TRUE(a_model_works());
  std::size_t failures = 0;
  for (const bool lasting : {false, true}) {
    for (std::size_t n = 0;; n += stride) {
      lh_error error{};
      lh_status status = LH_OK;
      bool failed = false;
      {
        const FailingAllocation failure(n, lasting);
        status = call(&error);
        failed = failure.failed();
      }
      EXPECT_TRUE(status == LH_E_NO_MEMORY || status == LH_OK) << n << ": " << error.message;
      EXPECT_EQ(error.status, status);
      EXPECT_TRUE(failed || status == LH_OK) << error.message;
      undo();
      if (!failed || testing::Test::HasFailure()) break;
      ++failures;
    }
  }
  EXPECT_GT(failures, 0U);
  return failures;
}

template <class Handle>
std::function<void()> freeing(Handle*& handle, void (*free)(Handle*)) {
  return [&handle, free] {
    free(handle);
    handle = nullptr;
  };
}

TEST(OutOfMemoryInC, IsAStatusOfEveryCall) {
  std::size_t failures = 0;
  lh_load_options loading = lh_load_defaults();
  loading.threads = 1;
  lh_session_options options = lh_session_defaults();
  options.context = 128;
  options.threads = 1;
  lh_sampler_options sampling = lh_sampler_defaults();
  sampling.grammar = "root ::= [a-c]+";
  sampling.seed = 1;
  const char* const stop = "zz";
  lh_generate_options writing = lh_generate_defaults();
  writing.max_tokens = 5;
  writing.stop = &stop;
  writing.stop_count = 1;
  const auto nothing = [] {};

  lh_model* model = nullptr;
  failures += run_out([&](lh_error* e) { return lh_model_load(tiny_path().c_str(), &loading, &model, e); },
                      freeing(model, lh_model_free), 32);  // all of them: OutOfMemory.Loading
  ASSERT_EQ(lh_model_load(tiny_path().c_str(), &loading, &model, nullptr), LH_OK);
  lh_session* session = nullptr;
  failures += run_out([&](lh_error* e) { return lh_session_new(model, &options, &session, e); },
                      freeing(session, lh_session_free));
  ASSERT_EQ(lh_session_new(model, &options, &session, nullptr), LH_OK);
  lh_sampler* sampler = nullptr;
  failures += run_out([&](lh_error* e) { return lh_sampler_new(model, &sampling, &sampler, e); },
                      freeing(sampler, lh_sampler_free));
  ASSERT_EQ(lh_sampler_new(model, &sampling, &sampler, nullptr), LH_OK);
  lh_chat* chat = nullptr;
  failures += run_out([&](lh_error* e) { return lh_chat_new(model, nullptr, &chat, e); },
                      freeing(chat, lh_chat_free));
  ASSERT_EQ(lh_chat_new(model, nullptr, &chat, nullptr), LH_OK);

  lh_session* fork = nullptr;
  failures += run_out([&](lh_error* e) { return lh_session_fork(session, &fork, e); },
                      freeing(fork, lh_session_free));
  lh_runner* runner = nullptr;
  lh_runner_options together = lh_runner_defaults();
  together.threads = 1;
  failures += run_out([&](lh_error* e) { return lh_runner_new(model, &together, &runner, e); },
                      freeing(runner, lh_runner_free));
  ASSERT_EQ(lh_runner_new(model, &together, &runner, nullptr), LH_OK);
  lh_session* of_runner = nullptr;
  failures += run_out([&](lh_error* e) { return lh_session_new_of(runner, &options, &of_runner, e); },
                      freeing(of_runner, lh_session_free));
  ASSERT_EQ(lh_session_new_of(runner, &options, &of_runner, nullptr), LH_OK);
  lh_chat_settings settings = lh_chat_settings_defaults();
  settings.max_tokens = 4;
  lh_chat_session* talk = nullptr;
  failures +=
      run_out([&](lh_error* e) { return lh_chat_session_new(model, &settings, &options, nullptr, &talk, e); },
              freeing(talk, lh_chat_session_free));
  ASSERT_EQ(lh_chat_session_new(model, &settings, &options, nullptr, &talk, nullptr), LH_OK);

  lh_token tokens[100];
  char text[1000];
  lh_token_buffer token_buffer = {tokens, 100, 0};
  lh_text_buffer text_buffer = {text, sizeof text, 0};
  failures += run_out(
      [&](lh_error* e) { return lh_encode(model, lh_string("ab 12 cd"), 3, &token_buffer, e); }, nothing);
  const std::vector<lh_token> prompt = some_tokens(60);
  const lh_tokens given = {prompt.data(), prompt.size()};
  failures += run_out([&](lh_error* e) { return lh_decode(model, given, &text_buffer, e); }, nothing);
  const lh_message ask = {"user", lh_string("What is it?"), {nullptr, 0}};
  failures += run_out(
      [&](lh_error* e) {
        return lh_chat_encode(chat, {&ask, 1}, nullptr, &token_buffer, e);
      },
      nothing);
  failures += run_out(
      [&](lh_error* e) {
        return lh_chat_render(chat, {&ask, 1}, nullptr, &text_buffer, e);
      },
      nothing);

  const auto empty = [&] { ASSERT_EQ(lh_rewind(session, 0, nullptr), LH_OK); };
  failures += run_out([&](lh_error* e) { return lh_feed(session, given, nullptr, e); }, empty);
  failures += run_out(
      [&](lh_error* e) {
        return lh_feed_each(
            session, given, [](void*, int32_t, lh_logits) { return 0; }, nullptr, e);
      },
      empty);
  failures += run_out([&](lh_error* e) { return lh_generate(session, sampler, given, &writing, nullptr, e); },
                      [&] {
                        empty();
                        ASSERT_EQ(lh_sampler_reset(sampler, nullptr), LH_OK);
                      });
  ASSERT_EQ(lh_feed(session, given, nullptr, nullptr), LH_OK);
  const TempDir dir;
  const std::string path = dir.file("state");
  std::uint64_t bytes = 0;
  failures += run_out([&](lh_error* e) { return lh_save_state(session, path.c_str(), e); }, nothing);
  failures += run_out([&](lh_error* e) { return lh_restore_state(session, path.c_str(), e); }, nothing);
  failures += run_out([&](lh_error* e) { return lh_state_bytes(session, &bytes, e); }, nothing);
  std::vector<std::byte> state(std::size_t(bytes) + 4096);
  lh_byte_buffer state_buffer = {state.data(), state.size(), 0};
  failures += run_out([&](lh_error* e) { return lh_save_state_memory(session, &state_buffer, e); }, nothing);
  failures += run_out(
      [&](lh_error* e) {
        return lh_restore_state_memory(session, {state.data(), state_buffer.size}, e);
      },
      nothing);
  lh_runner_feed feed = {of_runner, given, {}, 0};
  failures += run_out([&](lh_error* e) { return lh_runner_run(runner, &feed, 1, e); },
                      [&] { ASSERT_EQ(lh_rewind(of_runner, 0, nullptr), LH_OK); });
  failures +=
      run_out([&](lh_error* e) { return lh_chat_session_ask(talk, lh_string("hi"), nullptr, nullptr, e); },
              [&] { lh_chat_session_clear(talk, nullptr); });
  lh_value values[400];
  lh_value_buffer value_buffer = {values, 400, 0};
  failures += run_out(
      [&](lh_error* e) {
        std::size_t number = 0;
        const lh_status found = lh_metadata_find(model, lh_string("tokenizer.ggml.tokens"), &number, e);
        return found == LH_OK ? lh_metadata_values(model, number, &value_buffer, e) : found;
      },
      nothing);
  lh_chat_session_free(talk);
  lh_session_free(of_runner);
  lh_runner_free(runner);
  lh_sampler_free(sampler);
  lh_chat_free(chat);
  lh_session_free(session);
  lh_model_free(model);
  RecordProperty("failed_allocations", int(failures));
}

TEST(OutOfMemoryInC, DefaultsAreThenZeros) {
  lh_sampler_options options;
  {
    const FailingAllocation failure(0, true);
    options = lh_sampler_defaults();
  }
  EXPECT_EQ(options.size, 0U);
  EXPECT_EQ(options.top_k, 0);
}

}  // namespace
}  // namespace longhand::test
