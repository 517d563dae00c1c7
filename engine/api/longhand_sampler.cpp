// The public Sampler: glue to the chain.
#include <optional>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/sampling/sampler_chain.h"
#include "engine/types/memory_errors.h"

namespace longhand {

struct Sampler::Impl {
  SamplerChain chain;
  std::optional<Model> keep_alive = {};
};

Sampler::Sampler(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Sampler::Sampler(const Model& model, const SamplerOptions& options)
    : Sampler(Access::sampler(options, model_data(model).tokenizer)) {
  impl_->keep_alive = model;
}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

Sampler Access::sampler(const SamplerOptions& options, TokenTable tokens) {
  return Sampler(translate_memory_errors([&] {
    return std::make_unique<Sampler::Impl>(Sampler::Impl{SamplerChain(options, std::move(tokens))});
  }));
}
Sampler Access::sampler(const SamplerOptions& options, const Tokenizer& tokenizer) {
  return sampler(options, translate_memory_errors([&] { return token_table(tokenizer); }));
}

Token Sampler::pick(std::span<const float> logits) {
  return translate_memory_errors([&] { return impl_->chain.pick(logits); });
}

void Sampler::accept(std::span<const Token> tokens) {
  translate_memory_errors([&] { impl_->chain.accept(tokens); });
}

void Sampler::begin_text(int begins_quiet) noexcept { impl_->chain.begin_text(begins_quiet); }

void Sampler::reset() { impl_->chain.reset(); }

std::uint32_t Sampler::seed() const noexcept { return impl_->chain.seed(); }

}  // namespace longhand
