// The C interface: generating with a session and a sampler.
#include <memory>
#include <optional>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

static_assert(LH_STOP_CALLBACK == int(StopReason::callback));

StepViews longhand::c_api::step_views(std::span<const TokenStep> steps) {
  StepViews views;
  for (const TokenStep& step : steps) {
    for (const TokenProbability& one : step.top) views.top.push_back({one.token, one.log_probability});
  }
  std::size_t at = 0;
  for (const TokenStep& step : steps) {
    const lh_token_probability* top = step.top.empty() ? nullptr : &views.top[at];
    views.steps.push_back({step.token, step.log_probability, top, step.top.size()});
    at += step.top.size();
  }
  return views;
}

const char* lh_stop_reason_name(lh_stop_reason reason) {
  const int number = number_of(reason);
  if (number < 0 || number > LH_STOP_CALLBACK) return "unknown";
  return stop_reason_name(StopReason(number)).data();  // of a string literal
}

lh_status lh_top_log_probabilities(lh_logits logits, int32_t most, lh_probability_buffer* out,
                                   lh_error* error) {
  return guarded(error, [&] {
    std::vector<lh_token_probability> top;
    for (const TokenProbability& one :
         top_log_probabilities(elements(logits.data, logits.size, "logits.data"), most))
      top.push_back({one.token, one.log_probability});
    write_buffer(need(out, "out"), top);
  });
}

lh_status lh_log_probability(lh_logits logits, lh_token token, float* log_probability, lh_error* error) {
  return guarded(error, [&] {
    need(log_probability, "log_probability") =
        longhand::log_probability(elements(logits.data, logits.size, "logits.data"), token);
  });
}

lh_status lh_speculation_new(const lh_session* session, const lh_speculation_options* options,
                             lh_speculation** speculation, lh_error* error) {
  return guarded(error, [&] {
    lh_speculation*& place = place_for(speculation, "speculation");
    const lh_session& s = need(session, "session");
    const lh_speculation_options given = read_options(options, "speculation options");
    place = new lh_speculation{Speculation(s.session, *s.options, to_cpp(given)), s.options};
  });
}

void lh_speculation_free(lh_speculation* speculation) { delete speculation; }

lh_status lh_generate(lh_session* session, lh_sampler* sampler, lh_tokens prompt,
                      const lh_generate_options* options, lh_generate_result* result, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    lh_sampler& chooser = need(sampler, "sampler");
    const lh_generate_options given = read_options(options, "generate options");
    if (result != nullptr) check_size<lh_generate_result>(result->size, "generate result");
    const InUse session_use(*s.in_use, "session");
    const InUse sampler_use(chooser.in_use, "sampler");
    std::optional<InUse> speculation_use;
    GenerateOptions how = to_cpp(given);
    if (given.speculation != nullptr) {
      if (given.speculation->session != s.options)
        throw Refusal{LH_E_ARGUMENT, "the speculation was made for another session"};
      speculation_use.emplace(given.speculation->in_use, "speculation");
      how.speculation = &given.speculation->speculation;
    }

    std::function<bool(std::string_view)> on_text;
    if (given.on_text != nullptr) {
      on_text = [&](std::string_view text) {
        return s.callbacks.goes_on([&] {
          return given.on_text(given.on_text_user, {text.data(), text.size()});
        });
      };
    }
    if (given.on_token != nullptr) {
      how.on_token = [&](const TokenStep& step) {
        const StepViews view = step_views({&step, 1});
        return s.callbacks.goes_on([&] { return given.on_token(given.on_token_user, view.steps.data()); });
      };
    }
    s.callbacks.run(
        [&] { s.generated = generate(s.session, tokens_of(prompt), chooser.sampler, how, on_text); });
    s.steps = step_views(s.generated.steps);
    if (result == nullptr) return;
    const GenerateResult& from = s.generated;
    lh_generate_result to = {};
    to.reason = lh_stop_reason(from.reason);
    to.prompt_tokens = from.prompt_tokens;
    to.prompt_seconds = from.prompt_seconds;
    to.decode_seconds = from.decode_seconds;
    to.text = {from.text.data(), from.text.size()};
    to.tokens = {from.tokens.data(), from.tokens.size()};
    to.feeds = from.feeds;
    to.guesses = from.guesses;
    to.right_guesses = from.right_guesses;
    to.steps = s.steps.steps.empty() ? nullptr : s.steps.steps.data();
    write_result(result, to);
  });
}
