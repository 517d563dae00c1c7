// The C interface: many requests answered at once.
#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"
#include "engine/longhand_c_serve.h"
#include "engine/longhand_serve.h"

using namespace longhand;
using namespace longhand::c_api;

struct lh_scheduler {
  Scheduler scheduler;
};

namespace {

SchedulerOptions to_cpp(const lh_scheduler_options& from) {
  SchedulerOptions to;
  to.parallel = from.parallel;
  to.queue = from.queue;
  to.latency = from.latency;
  to.cache_mib = from.cache_mib;
  to.disk = {.folder = string_or_empty(from.disk_folder), .mib = from.disk_mib};
  if (from.on_note != nullptr) {
    to.note = [tell = from.on_note, user = from.on_note_user](std::string_view line) {
      tell(user, {line.data(), line.size()});
    };
  }
  return to;
}

lh_request_result to_c(std::uint64_t number, const RequestResult& from, lh_error& error) {
  lh_request_result to{};
  to.request = number;
  to.message = error.message;
  if (from.error) {
    try {
      std::rethrow_exception(from.error);
    } catch (...) { to.status = report_current(&error); }
  }
  to.reason = lh_stop_reason(from.reason);
  to.stop = from.stop.c_str();
  to.prompt_tokens = from.prompt_tokens;
  to.cached_tokens = from.cached_tokens;
  to.written_tokens = from.written_tokens;
  to.guesses = from.guesses;
  to.right_guesses = from.right_guesses;
  to.wait_seconds = from.wait_seconds;
  to.prompt_seconds = from.prompt_seconds;
  to.write_seconds = from.write_seconds;
  return to;
}

// Of a request; 0 until the caller has it. Nothing is told before: the caller's functions may want to cancel
// it.
using Number = std::shared_ptr<std::atomic<std::uint64_t>>;

RequestListener listener_of(const lh_request& from, const lh_generate_options& how, const Number& number) {
  RequestListener to;
  if (from.on_reading != nullptr) {
    to.on_reading = [tell = from.on_reading, user = from.user, number](const ReadingProgress& p) {
      number->wait(0);
      const lh_reading_progress progress{p.total, p.cached, p.read};
      tell(user, &progress);
    };
  }
  if (how.on_token != nullptr) {
    to.on_token = [tell = how.on_token, user = how.on_token_user, number](const TokenStep& step) {
      number->wait(0);
      const StepViews view = step_views({&step, 1});
      return tell(user, view.steps.data()) == 0;
    };
  }
  if (how.on_text != nullptr) {
    to.on_text = [tell = how.on_text, user = how.on_text_user, number](std::string_view text) {
      number->wait(0);
      return tell(user, {text.data(), text.size()}) == 0;
    };
  }
  if (from.on_end != nullptr) {
    to.on_end = [tell = from.on_end, user = from.user, number](const RequestResult& result) {
      number->wait(0);
      lh_error error{};
      const lh_request_result told = to_c(*number, result, error);
      tell(user, &told);
    };
  }
  return to;
}

Request to_cpp(const lh_request& from, const lh_generate_options& how, const Model& model) {
  if (how.speculation != nullptr)
    throw Refusal{LH_E_ARGUMENT, "generate.speculation was made for a session; requests have their own"};
  const GenerateOptions generate = c_api::to_cpp(how);
  SamplerOptions sampling = c_api::to_cpp(read_options(from.sampler, "sampler options"));
  if (from.tools != nullptr)
    from.tools->tools.constrain(sampling, {.tokens = {}, .opens_reasoning = from.opens_reasoning != 0});
  const auto prompt = tokens_of(from.prompt);
  Request to{.prompt = {prompt.begin(), prompt.end()}, .sampler = Sampler(model, sampling)};
  to.max_tokens = generate.max_tokens;
  to.stop = generate.stop;
  to.written_out = generate.written_out;
  to.top_log_probabilities = generate.top_log_probabilities;
  to.priority = from.priority;
  if (from.speculation != nullptr)
    to.speculation = c_api::to_cpp(read_options(from.speculation, "speculation options"));
  const auto adapters = elements(from.adapters, from.adapter_count, "adapters");
  if (from.adapters != nullptr) to.adapters.emplace();
  for (const lh_adapter_use& use : adapters) to.adapters->push_back(adapter_use(use));
  return to;
}

}  // namespace

template <>
lh_scheduler_options longhand::c_api::defaults() {
  const SchedulerOptions from;
  lh_scheduler_options to{};
  to.size = sizeof to;
  to.parallel = from.parallel;
  to.queue = from.queue;
  to.latency = from.latency;
  to.cache_mib = from.cache_mib;
  to.disk_mib = from.disk.mib;
  return to;
}

template <>
lh_request longhand::c_api::defaults() {
  lh_request to{};
  to.size = sizeof to;
  return to;
}

lh_status lh_scheduler_new(const lh_model* model, const lh_session_options* session,
                           const lh_scheduler_options* options, lh_scheduler** scheduler, lh_error* error) {
  return guarded(error, [&] {
    lh_scheduler*& place = place_for(scheduler, "scheduler");
    SchedulerOptions how = to_cpp(read_options(options, "scheduler options"));
    how.session = c_api::to_cpp(read_options(session, "session options"));
    place = new lh_scheduler{Scheduler(need(model, "model").model, how)};
  });
}

void lh_scheduler_free(lh_scheduler* scheduler) { delete scheduler; }

lh_status lh_scheduler_submit(lh_scheduler* scheduler, const lh_request* request, uint64_t* number,
                              lh_error* error) {
  return guarded(error, [&] {
    Scheduler& s = need(scheduler, "scheduler").scheduler;
    need(request, "request");
    const lh_request given = read_options(request, "request");
    const lh_generate_options how = read_options(given.generate, "generate options");
    const auto known = std::make_shared<std::atomic<std::uint64_t>>(0);
    const std::uint64_t taken = s.submit(to_cpp(given, how, s.model()), listener_of(given, how, known));
    if (number != nullptr) *number = taken;
    *known = taken;
    known->notify_all();
  });
}

void lh_scheduler_cancel(lh_scheduler* scheduler, uint64_t number) {
  if (scheduler != nullptr) scheduler->scheduler.cancel(number);
}

void lh_scheduler_close(lh_scheduler* scheduler) {
  if (scheduler != nullptr) scheduler->scheduler.close();
}

int lh_scheduler_wait(lh_scheduler* scheduler, int64_t milliseconds) {
  if (scheduler == nullptr) return 1;
  if (milliseconds < 0) return scheduler->scheduler.wait_idle() ? 1 : 0;
  constexpr std::int64_t kYear = std::int64_t{1000} * 3600 * 24 * 365;
  return scheduler->scheduler.wait_idle(std::chrono::milliseconds(std::min(milliseconds, kYear))) ? 1 : 0;
}

lh_scheduler_info lh_scheduler_about(const lh_scheduler* scheduler) {
  lh_scheduler_info info{};
  if (scheduler == nullptr) return info;
  guarded(nullptr, [&] {
    const SchedulerStatus status = scheduler->scheduler.status();
    for (const SchedulerStatus::Slot& slot : status.slots) info.active += slot.request != 0 ? 1 : 0;
    info.context = status.context;
    info.waiting = status.waiting;
    info.kept_texts = status.kept_texts;
    info.kept_bytes = status.kept_bytes;
    info.requests = status.requests;
    info.prompt_tokens = status.prompt_tokens;
    info.cached_tokens = status.cached_tokens;
    info.written_tokens = status.written_tokens;
    info.passes = status.passes;
    info.prompt_seconds = status.prompt_seconds;
    info.write_seconds = status.write_seconds;
  });
  return info;
}
