// From a control vector's file to directions of a model's layers.

#include <fmt/format.h>

#include <charconv>

#include "engine/adapt/adapter_data.h"
#include "engine/state/fingerprint.h"
#include "loaders/gguf/gguf_reader.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

constexpr std::string_view kDirection = "direction.";

// The number behind "direction."; -1 where the name is another.
int layer_of(std::string_view name) noexcept {
  if (!name.starts_with(kDirection)) return -1;
  name.remove_prefix(kDirection.size());
  int layer = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  return error == std::errc() && end == name.data() + name.size() ? layer : -1;
}

}  // namespace

// The key controlvector.model_hint is not compared: some who write it call architectures otherwise.
std::shared_ptr<const ControlData> load_control(std::shared_ptr<const ModelData> model, const Gguf& file) {
  const auto layers = int(model->config.layers.size());
  const auto hidden = std::size_t(model->config.hidden);
  ControlData control{model, file.name(), whole_fingerprint(file),
                      std::vector<float>(std::size_t(layers) * hidden)};
  for (const TensorInfo& t : file.tensors()) {
    const auto refuse = [&](Errc code, const std::string& why) {
      throw Error(code, fmt::format("{}: tensor {} {}", file.name(), quote(t.name), why));
    };
    const int layer = layer_of(t.name);
    if (layer < 1 || layer >= layers)
      refuse(Errc::range, fmt::format("must be named direction.1 to direction.{}: the model has {} layers",
                                      layers - 1, layers));
    if (t.n_dims != 1 || t.dims[0] != hidden)
      refuse(Errc::shape, fmt::format("has {} values in {} dimensions, must have the model's {} in one",
                                      t.dims[0], t.n_dims, hidden));
    const int format = find_format(t.type_id);
    if (format < 0) refuse(Errc::unsupported, "has a type that is not supported");
    decode_blocks(FormatId(format), t.data.data(),
                  std::int64_t(hidden / format_info(FormatId(format)).block_elements),
                  control.directions.data() + std::size_t(layer) * hidden);
  }
  if (file.tensors().empty()) throw Error(Errc::missing, file.name() + ": has no tensors direction.N");
  return std::make_shared<const ControlData>(std::move(control));
}

}  // namespace longhand
