// The public Model: glue to what does the work.

#include "engine/longhand.h"

#include "engine/kv_cache.h"
#include "engine/model.h"

namespace longhand {

Model Model::load(const std::string& path, const LoadOptions& options) {
  return Model(std::make_shared<const ModelData>(load_model(path, options)));
}

ModelInfo Model::info() const { return data_->info; }

std::vector<Token> Model::encode(std::string_view text, bool special, bool parse_special) const {
  return data_->tokenizer.encode(text, {special, parse_special});
}

std::string Model::decode(std::span<const Token> tokens) const { return data_->tokenizer.decode(tokens); }
std::string Model::piece(Token token) const { return data_->tokenizer.piece(token); }
bool Model::ends_generation(Token token) const noexcept { return data_->tokenizer.ends_generation(token); }

std::uint64_t Model::session_bytes(const SessionOptions& o) const {
  return KvCache::bytes(data_->config, o.context > 0 ? o.context : data_->config.trained_context, o.key_cache,
                        o.value_cache);
}

}  // namespace longhand
