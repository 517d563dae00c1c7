// The public Model: glue to what does the work.

#include "engine/longhand.h"

#include "engine/forward/model.h"
#include "engine/types/memory_errors.h"

namespace longhand {

Model Model::load(const std::string& path, const LoadOptions& options) {
  return translate_memory_errors(
      [&] { return Model(std::make_shared<const ModelData>(load_model(path, options))); });
}

ModelInfo Model::info() const {
  return translate_memory_errors([&] { return data_->info; });
}

std::vector<Token> Model::encode(std::string_view text, bool special, bool parse_special) const {
  return translate_memory_errors([&] { return data_->tokenizer.encode(text, {special, parse_special}); });
}

std::string Model::decode(std::span<const Token> tokens) const {
  return translate_memory_errors([&] { return data_->tokenizer.decode(tokens); });
}
std::string Model::piece(Token token) const {
  return translate_memory_errors([&] { return data_->tokenizer.piece(token); });
}
bool Model::ends_generation(Token token) const noexcept { return data_->tokenizer.ends_generation(token); }

}  // namespace longhand
