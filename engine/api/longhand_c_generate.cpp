// The C interface: generating with a session and a sampler.
#include <memory>
#include <optional>

#include "engine/api/longhand_c_guard.h"
#include "engine/api/longhand_c_handles.h"
#include "engine/api/longhand_c_options.h"

using namespace longhand;
using namespace longhand::c_api;

static_assert(LH_STOP_CALLBACK == static_cast<int>(StopReason::callback));

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
    const InUse session_use(s.in_use, "session");
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
    s.callbacks.run(
        [&] { s.generated = generate(s.session, tokens_of(prompt), chooser.sampler, how, on_text); });
    if (result == nullptr) return;
    const GenerateResult& from = s.generated;
    lh_generate_result to = {};
    to.reason = static_cast<lh_stop_reason>(from.reason);
    to.prompt_tokens = from.prompt_tokens;
    to.prompt_seconds = from.prompt_seconds;
    to.decode_seconds = from.decode_seconds;
    to.text = {from.text.data(), from.text.size()};
    to.tokens = {from.tokens.data(), from.tokens.size()};
    to.feeds = from.feeds;
    to.guesses = from.guesses;
    to.right_guesses = from.right_guesses;
    write_result(result, to);
  });
}
