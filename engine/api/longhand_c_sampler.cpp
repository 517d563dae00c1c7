// The C interface: samplers.
#include "engine/api/longhand_c_guard.h"
#include "engine/api/longhand_c_handles.h"
#include "engine/api/longhand_c_options.h"
#include "engine/forward/model.h"

using namespace longhand;
using namespace longhand::c_api;

lh_status lh_sampler_new(const lh_model* model, const lh_sampler_options* options, lh_sampler** sampler,
                         lh_error* error) {
  return guarded(error, [&] {
    lh_sampler*& place = place_for(sampler, "sampler");
    const Model& m = need(model, "model").model;
    const lh_sampler_options given = read_options(options, "sampler options");
    place = new lh_sampler{Sampler(m, to_cpp(given)), static_cast<std::size_t>(m.data().tokenizer.size())};
  });
}

void lh_sampler_free(lh_sampler* sampler) { delete sampler; }

lh_status lh_sample(lh_sampler* sampler, lh_logits logits, lh_token* token, lh_error* error) {
  return guarded(error, [&] {
    lh_sampler& s = need(sampler, "sampler");
    lh_token& place = need(token, "token");
    const auto all = elements(logits.data, logits.size, "logits.data");
    const InUse use(s.in_use, "sampler");
    place = s.sampler.pick(all.first(std::min(all.size(), s.vocab)));
  });
}

lh_status lh_sampler_accept(lh_sampler* sampler, lh_tokens tokens, lh_error* error) {
  return guarded(error, [&] {
    lh_sampler& s = need(sampler, "sampler");
    const InUse use(s.in_use, "sampler");
    s.sampler.accept(tokens_of(tokens));
  });
}

lh_status lh_sampler_reset(lh_sampler* sampler, lh_error* error) {
  return guarded(error, [&] {
    lh_sampler& s = need(sampler, "sampler");
    const InUse use(s.in_use, "sampler");
    s.sampler.reset();
  });
}

uint32_t lh_sampler_seed(const lh_sampler* sampler) {
  return sampler == nullptr ? 0 : sampler->sampler.seed();
}
