// The public Model: glue to what does the work.

#include "engine/longhand.h"

#include <fmt/format.h>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/types/memory_errors.h"
#include "loaders/model/arch_words.h"

namespace longhand {

namespace {

// `open` gives the file.
template <class Open>
std::shared_ptr<const ModelData> load_from(const Open& open, const LoadOptions& options) {
  return translate_memory_errors(
      [&] { return std::make_shared<const ModelData>(load_model(open(), options)); });
}

std::string name_in_memory(const LoadOptions& options) {
  return options.name.empty() ? "memory" : options.name;
}

}  // namespace

std::string_view version() noexcept { return LONGHAND_VERSION; }

std::vector<ArchitectureInfo> architectures() {
  std::vector<ArchitectureInfo> list;
  for (const ArchSpec* arch : all_archs())
    list.push_back({arch->name, arch->models, words_of(*arch), checked_against(*arch)});
  return list;
}

Model Model::load(const std::string& path, const LoadOptions& options) {
  return Model(load_from([&] { return Gguf::open(path); }, options));
}

Model Model::load_descriptor(int descriptor, const LoadOptions& options) {
  return Model(load_from(
      [&] {
        return Gguf::open(descriptor,
                          options.name.empty() ? fmt::format("descriptor {}", descriptor) : options.name);
      },
      options));
}

Model Model::load_memory(std::span<const std::byte> file, const LoadOptions& options) {
  return Model(load_from([&] { return Gguf::parse(file, name_in_memory(options)); }, options));
}

Model Model::load_memory(std::vector<std::byte>&& file, const LoadOptions& options) {
  return Model(load_from([&] { return Gguf::parse(std::move(file), name_in_memory(options)); }, options));
}

ModelInfo Model::info() const {
  return translate_memory_errors([&] { return data_->info; });
}

std::vector<Token> Model::encode(std::string_view text, bool special, bool parse_special) const {
  return translate_memory_errors([&] { return data_->tokenizer.encode(text, {special, parse_special}); });
}

std::string Model::decode(std::span<const Token> tokens, bool written_out) const {
  return translate_memory_errors([&] {
    return written_out ? data_->tokenizer.decode(tokens, false, true) : data_->tokenizer.decode(tokens);
  });
}
std::string Model::piece(Token token, bool written_out) const {
  return translate_memory_errors([&] { return data_->tokenizer.piece(token, written_out); });
}
bool Model::ends_generation(Token token) const noexcept { return data_->tokenizer.ends_generation(token); }

}  // namespace longhand
