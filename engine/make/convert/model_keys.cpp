#include "engine/make/convert/model_keys.h"

#include <algorithm>
#include <utility>

namespace longhand {

ModelKeys::ModelKeys(std::string architecture) : architecture_(std::move(architecture)) {
  set(gguf_entry("general.architecture", architecture_));
}

std::string ModelKeys::name(std::string_view key) const { return architecture_ + "." + std::string(key); }

void ModelKeys::count(std::string_view key, std::int64_t value) {
  set(gguf_entry(name(key), std::uint32_t(value)));
}
void ModelKeys::number(std::string_view key, double value) { set(gguf_entry(name(key), float(value))); }
void ModelKeys::flag(std::string_view key, bool value) { set(gguf_entry(name(key), value)); }
void ModelKeys::text(std::string_view key, const std::string& value) { set(gguf_entry(name(key), value)); }

void ModelKeys::counts(std::string_view key, const std::vector<std::int64_t>& values) {
  set(gguf_array(name(key), std::vector<std::int32_t>(values.begin(), values.end())));
}

void ModelKeys::flags(std::string_view key, const std::vector<bool>& values) {
  set(gguf_array(name(key), values));
}

void ModelKeys::set(GgufEntry entry) {
  const auto known = std::ranges::find(entries_, entry.key, &GgufEntry::key);
  if (known == entries_.end()) {
    entries_.push_back(std::move(entry));
  } else {
    *known = std::move(entry);
  }
}

}  // namespace longhand
