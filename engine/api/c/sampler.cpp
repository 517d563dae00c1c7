// The C interface: samplers.
#include "engine/api/access.h"
#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"
#include "engine/forward/model.h"

using namespace longhand;
using namespace longhand::c_api;

lh_status lh_sampler_new(const lh_model* model, const lh_sampler_options* options, lh_sampler** sampler,
                         lh_error* error) {
  return guarded(error, [&] {
    lh_sampler*& place = place_for(sampler, "sampler");
    const Model& m = need(model, "model").model;
    const lh_sampler_options given = read_options(options, "sampler options");
    place = new lh_sampler{Sampler(m, to_cpp(given)), std::size_t(model_data(m).tokenizer.size())};
  });
}

lh_status lh_sampler_recommended(const lh_model* model, lh_sampler_options* options, lh_error* error) {
  return guarded(error, [&] {
    const Model& m = need(model, "model").model;
    check_size<lh_sampler_options>(need(options, "options").size, "sampler options");
    const lh_sampler_options recommended = to_c(m.recommended_sampling());
    const std::size_t size = options->size;
    std::memset(options, 0, size);
    options->size = size;
    write_result(options, recommended);
  });
}

lh_status lh_grammar_of_schema(lh_text json_schema, lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    write_buffer(need(out, "out"), json_schema_to_gbnf(text_of(json_schema, "json_schema.data")));
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
