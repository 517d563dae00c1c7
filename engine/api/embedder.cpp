// The public Embedder: glue to what does the work.

#include <atomic>

#include "engine/api/access.h"
#include "engine/embed/input.h"
#include "engine/embed/text_vectors.h"
#include "engine/longhand.h"
#include "engine/types/memory_errors.h"

namespace longhand {

struct Embedder::Impl {
  Impl(const Model& m, const EmbedOptions& options)
      : model(m),
        maker(model_data(m), options),
        input(model_data(m).file, model_data(m).tokenizer, maker.context()) {}

  Model model;
  VectorMaker maker;
  InputEncoder input;
  std::atomic<bool> cancel{false};
  std::function<void(int, int)> progress;
};

Embedder::Embedder(const Model& model, const EmbedOptions& options)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(model, options); })) {}
Embedder::~Embedder() = default;
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;

int Embedder::width() const noexcept { return impl_->maker.width(); }
int Embedder::context() const noexcept { return impl_->maker.context(); }
Pooling Embedder::pooling() const noexcept { return impl_->maker.pooling(); }
const std::vector<std::string>& Embedder::labels() const noexcept {
  return model_data(impl_->model).config.pooling.labels;
}
const Model& Embedder::model() const noexcept { return impl_->model; }

Embedder::Input Embedder::encode(std::string_view text) const {
  EncodedText e = translate_memory_errors([&] { return impl_->input.text(text); });
  return {std::move(e.tokens), e.left_out};
}

Embedder::Input Embedder::encode_pair(std::string_view query, std::string_view document) const {
  EncodedText e = translate_memory_errors([&] { return impl_->input.pair(query, document); });
  return {std::move(e.tokens), e.left_out};
}

void Embedder::embed(std::span<const std::vector<Token>> texts, const Visit& visit) {
  translate_memory_errors([&] { impl_->maker.run(texts, impl_->cancel, visit, impl_->progress); });
}

std::vector<float> Embedder::embed(std::string_view text) {
  const Input input = encode(text);
  std::vector<float> vector;
  embed({&input.tokens, 1},
        [&](std::size_t, std::span<const float> values) { vector.assign(values.begin(), values.end()); });
  return vector;
}

void Embedder::cancel() noexcept { impl_->cancel.store(true); }
void Embedder::clear_cancel() noexcept { impl_->cancel.store(false); }
void Embedder::on_progress(std::function<void(int, int)> callback) { impl_->progress = std::move(callback); }

}  // namespace longhand
