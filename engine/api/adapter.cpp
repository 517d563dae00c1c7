// The public adapters and control vectors: glue to what loads them.

#include <string>

#include "engine/adapt/adapter_data.h"
#include "engine/api/access.h"
#include "engine/types/memory_errors.h"

namespace longhand {

Adapter Adapter::load(const Model& model, const std::string& path) {
  return Adapter(
      translate_memory_errors([&] { return load_adapter(Access::shared(model), Gguf::open(path)); }));
}

Adapter Adapter::load_memory(const Model& model, std::span<const std::byte> file, const std::string& name) {
  return Adapter(
      translate_memory_errors([&] { return load_adapter(Access::shared(model), Gguf::parse(file, name)); }));
}

AdapterInfo Adapter::info() const {
  return translate_memory_errors([&] {
    if (!data_) throw Error(Errc::missing, "the adapter was moved from: it has no matrices");
    return data_->info;
  });
}

ControlVector ControlVector::load(const Model& model, const std::string& path) {
  return ControlVector(
      translate_memory_errors([&] { return load_control(Access::shared(model), Gguf::open(path)); }));
}

ControlVector ControlVector::load_memory(const Model& model, std::span<const std::byte> file,
                                         const std::string& name) {
  return ControlVector(
      translate_memory_errors([&] { return load_control(Access::shared(model), Gguf::parse(file, name)); }));
}

}  // namespace longhand
