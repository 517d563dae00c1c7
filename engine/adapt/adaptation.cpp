#include "engine/adapt/adaptation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/api/access.h"
#include "ops/error.h"
#include "ops/format_info.h"

namespace longhand {
namespace {

constexpr std::size_t kMostUses = 64;

template <class Data>
void refuse_moved(const std::shared_ptr<const Data>& data, const char* what) {
  if (!data) throw Error(Errc::missing, fmt::format("{} was moved from: it holds nothing", what));
}

void check(const ModelCore& model, const std::shared_ptr<const ModelData>& made_for, const std::string& name,
           float scale) {
  const ModelCore* of = made_for.get();
  if (of != &model) throw Error(Errc::mismatch, name + ": was loaded for another model");
  if (!std::isfinite(scale)) throw Error(Errc::range, fmt::format("{}: scale {} is no number", name, scale));
}

void add_directions(const ModelCore& model, const ControlData& control, const ControlUse& use,
                    std::vector<float>& sum) {
  const auto layers = int(model.config.layers.size()), hidden = model.config.hidden;
  sum.resize(control.directions.size());
  for (int il = std::max(0, use.first_layer); il < layers && il <= use.last_layer; ++il) {
    const std::size_t first = std::size_t(il) * std::size_t(hidden);
    for (std::size_t i = first; i < first + std::size_t(hidden); ++i)
      sum[i] += use.scale * control.directions[i];
  }
}

}  // namespace

int Adaptation::low_columns() const noexcept {
  int columns = 0;
  for (const Use& use : uses) columns += (use.adapter->info.rank + kPanelRows - 1) / kPanelRows * kPanelRows;
  return columns;
}

std::shared_ptr<const Adaptation> make_adaptation(const ModelCore& model,
                                                  std::span<const AdapterUse> adapters,
                                                  std::span<const ControlUse> controls) {
  if (adapters.size() + controls.size() > kMostUses)
    throw Error(Errc::limit, fmt::format("{} adapters and {} control vectors, must be at most {} together",
                                         adapters.size(), controls.size(), kMostUses));
  Adaptation made;
  for (const AdapterUse& use : adapters) {
    const auto& data = Access::data(use.adapter);
    refuse_moved(data, "an adapter");
    check(model, data->model, data->info.name, use.scale);
    if (use.scale == 0) continue;
    made.uses.push_back({data, use.scale});
    made.owner.emplace_back("adapter", fmt::format("{:016x} scale {}", data->fingerprint, use.scale));
  }
  for (const ControlUse& use : controls) {
    const auto& data = Access::data(use.vector);
    refuse_moved(data, "a control vector");
    check(model, data->model, data->name, use.scale);
    if (use.first_layer > use.last_layer)
      throw Error(Errc::range, fmt::format("{}: layers {} to {}, the first must not be the greater",
                                           data->name, use.first_layer, use.last_layer));
    if (use.scale == 0) continue;
    add_directions(model, *data, use, made.directions);
    made.owner.emplace_back("control vector",
                            fmt::format("{:016x} scale {} layers {} to {}", data->fingerprint, use.scale,
                                        use.first_layer, use.last_layer));
  }
  if (made.owner.empty()) return nullptr;
  return std::make_shared<const Adaptation>(std::move(made));
}

bool same(const Adaptation* a, const Adaptation* b) noexcept {
  if (a == b) return true;
  return a != nullptr && b != nullptr && a->owner == b->owner;
}

}  // namespace longhand
