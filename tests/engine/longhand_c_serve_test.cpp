// The scheduler behind the interface in C.
#include <gmock/gmock.h>

#include <latch>

#include "engine/longhand_c_serve.h"
#include "tests/support/longhand_c.h"

namespace longhand {
namespace {

struct Told {
  std::string text;
  int read = 0, ends = 0;
  lh_request_result result{};
  std::string stop, message;
};

int add_text(void* user, lh_text text) {
  static_cast<Told*>(user)->text.append(text.data, text.size);
  return 0;
}
void note_reading(void* user, const lh_reading_progress* progress) {
  static_cast<Told*>(user)->read = progress->read;
}
void note_end(void* user, const lh_request_result* result) {
  Told& told = *static_cast<Told*>(user);
  ++told.ends;
  told.result = *result;
  told.stop = result->stop;
  told.message = result->message;
}

class LonghandCServe : public test::LonghandC {
 protected:
  using SchedulerPtr = std::unique_ptr<lh_scheduler, test::Freer<lh_scheduler, lh_scheduler_free>>;

  SchedulerPtr scheduler(lh_scheduler_options options = lh_scheduler_defaults()) {
    const lh_session_options session = small();
    lh_scheduler* made = nullptr;
    EXPECT_EQ(lh_scheduler_new(model(), &session, &options, &made, &error_), LH_OK) << error_.message;
    return SchedulerPtr(made);
  }

  // `change` sees the request before it is made.
  template <class Change>
  lh_status submit(lh_scheduler* scheduler, const std::vector<lh_token>& prompt, Told& told,
                   const Change& change, uint64_t* number = nullptr) {
    lh_sampler_options sampling = lh_sampler_defaults();
    sampling.temperature = 0;
    lh_generate_options how = lh_generate_defaults();
    how.max_tokens = 24;
    how.on_text = add_text;
    how.on_text_user = &told;
    lh_request request = lh_request_defaults();
    request.prompt = view(prompt);
    request.sampler = &sampling;
    request.generate = &how;
    request.on_reading = note_reading;
    request.on_end = note_end;
    request.user = &told;
    change(request, how);
    return lh_scheduler_submit(scheduler, &request, number, &error_);
  }
  lh_status submit(lh_scheduler* scheduler, const std::vector<lh_token>& prompt, Told& told) {
    return submit(scheduler, prompt, told, [](lh_request&, lh_generate_options&) {});
  }

  std::string alone(const std::vector<lh_token>& prompt) {
    const auto s = session();
    const auto sampler = greedy();
    lh_generate_options how = lh_generate_defaults();
    how.max_tokens = 24;
    lh_generate_result result;
    result.size = sizeof result;
    EXPECT_EQ(lh_generate(s.get(), sampler.get(), view(prompt), &how, &result, &error_), LH_OK)
        << error_.message;
    return {result.text.data, result.text.size};
  }
};

TEST_F(LonghandCServe, AnswersSeveralAsAlone) {
  const auto s = scheduler();
  const std::vector<std::string> prompts = {"The capital of Peru", "A KV cache holds", "Longhand is"};
  std::vector<Told> told(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    uint64_t number = 0;
    ASSERT_EQ(
        submit(
            s.get(), encode(prompts[i].c_str()), told[i], [](lh_request&, lh_generate_options&) {}, &number),
        LH_OK)
        << error_.message;
    EXPECT_NE(number, 0u);
  }
  EXPECT_EQ(lh_scheduler_wait(s.get(), -1), 1);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto prompt = encode(prompts[i].c_str());
    EXPECT_EQ(told[i].text, alone(prompt));
    EXPECT_EQ(told[i].ends, 1);
    EXPECT_EQ(told[i].result.status, LH_OK);
    EXPECT_EQ(told[i].result.prompt_tokens, int32_t(prompt.size()));
    EXPECT_EQ(told[i].read, int32_t(prompt.size()));
    EXPECT_NE(told[i].result.request, 0u);
  }
  const lh_scheduler_info info = lh_scheduler_about(s.get());
  EXPECT_EQ(info.requests, 3u);
  EXPECT_EQ(info.context, 256);
  EXPECT_EQ(info.active + info.waiting, 0);
}

TEST_F(LonghandCServe, StopsGuessesAndCancels) {
  const auto s = scheduler();
  const auto prompt = encode("The capital of Peru");
  Told guessed, stopped, cancelled;
  const lh_speculation_options lookup = lh_speculation_defaults();
  ASSERT_EQ(submit(s.get(), prompt, guessed,
                   [&](lh_request& request, lh_generate_options&) { request.speculation = &lookup; }),
            LH_OK);
  lh_scheduler_wait(s.get(), -1);
  EXPECT_EQ(guessed.text, alone(prompt));
  const std::string stop = guessed.text.substr(3, 4);
  const char* const stops[] = {stop.c_str()};
  ASSERT_EQ(submit(s.get(), prompt, stopped,
                   [&](lh_request&, lh_generate_options& how) { how.stop = stops, how.stop_count = 1; }),
            LH_OK);
  lh_scheduler_wait(s.get(), -1);
  EXPECT_EQ(stopped.result.reason, LH_STOP_STRING);
  EXPECT_EQ(stopped.stop, stop);
  uint64_t number = 0;
  ASSERT_EQ(submit(
                s.get(), prompt, cancelled,
                [](lh_request&, lh_generate_options& how) { how.max_tokens = -1; }, &number),
            LH_OK);
  lh_scheduler_cancel(s.get(), number);
  lh_scheduler_cancel(s.get(), 12345);
  EXPECT_EQ(lh_scheduler_wait(s.get(), -1), 1);
  EXPECT_EQ(cancelled.ends, 1);
}

// The first thing that is told of a request can cancel it.
TEST_F(LonghandCServe, ItsNumberIsKnownInEveryCallback) {
  struct Cancelling : Told {
    lh_scheduler* scheduler = nullptr;
    uint64_t number = 0;
    int unknown = 0;
  };
  const auto s = scheduler();
  const auto prompt = encode("The capital of Peru");
  for (int i = 0; i < 50; ++i) {
    Cancelling told;
    told.scheduler = s.get();
    const auto change = [&](lh_request& request, lh_generate_options& how) {
      request.on_reading = [](void* user, const lh_reading_progress*) {
        auto& seen = *static_cast<Cancelling*>(static_cast<Told*>(user));
        seen.unknown += seen.number == 0 ? 1 : 0;
        lh_scheduler_cancel(seen.scheduler, seen.number);
      };
      how.max_tokens = 4;
    };
    ASSERT_EQ(submit(s.get(), prompt, told, change, &told.number), LH_OK) << error_.message;
    lh_scheduler_wait(s.get(), -1);
    EXPECT_EQ(told.unknown, 0);
    EXPECT_EQ(told.result.reason, LH_STOP_CANCELLED);
  }
}

TEST_F(LonghandCServe, RefusesWhatCannotBe) {
  lh_scheduler* none = nullptr;
  lh_scheduler_options bad = lh_scheduler_defaults();
  bad.parallel = 0;
  EXPECT_EQ(lh_scheduler_new(model(), nullptr, &bad, &none, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_scheduler_new(nullptr, nullptr, nullptr, &none, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  const auto s = scheduler();
  Told told;
  EXPECT_EQ(submit(s.get(), {}, told), LH_E_RANGE);
  EXPECT_EQ(submit(s.get(), std::vector<lh_token>(300, 5), told), LH_E_CONTEXT_FULL);
  EXPECT_EQ(lh_scheduler_submit(s.get(), nullptr, nullptr, &error_), LH_E_ARGUMENT);
  const auto no_adapters = [](lh_request& request, lh_generate_options&) { request.adapter_count = 1; };
  EXPECT_EQ(submit(s.get(), encode("x"), told, no_adapters), LH_E_ARGUMENT);
  lh_scheduler_close(s.get());
  EXPECT_EQ(submit(s.get(), encode("x"), told), LH_E_BUSY);
  EXPECT_EQ(told.ends, 0);
  lh_scheduler_free(nullptr);
  lh_scheduler_cancel(nullptr, 1);
  lh_scheduler_close(nullptr);
  EXPECT_EQ(lh_scheduler_wait(nullptr, -1), 1);
  EXPECT_EQ(lh_scheduler_about(nullptr).context, 0);
}

}  // namespace
}  // namespace longhand
