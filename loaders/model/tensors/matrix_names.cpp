#include "loaders/model/tensors/matrix_names.h"

#include <fmt/format.h>

#include <initializer_list>
#include <unordered_map>

namespace longhand {
namespace {

/// A walk over slots (see slots.h). It takes the same turns as SlotLoader.
class NameWalk : public MatricesAlone {
 public:
  NameWalk(std::vector<NamedMatrix>& list, std::vector<std::string>* unused, const HasTensor& has,
           std::string prefix)
      : list_(list), unused_(unused), has_(has), prefix_(std::move(prefix)) {}

  void linear(const Slot& slot, const Linear& l) {
    if (has(slot)) list_.push_back({name(slot), slot.in, slot.out, 0, {{&l}}});
  }
  void fused(const Slot& whole, std::initializer_list<SlotPart<const Linear>> parts) {
    if (has(parts.begin()->slot) || !has(whole)) {
      for (const auto& part : parts) linear(part.slot, *part.to);
      return;
    }
    NamedMatrix matrix{name(whole), whole.in, whole.out, 0, {}};
    std::int64_t row = 0;
    for (const auto& [slot, to] : parts) {
      matrix.places.push_back({to, row});
      row += slot.out;
    }
    list_.push_back(std::move(matrix));
  }
  void experts(const Slot& slot, int count, const std::vector<Linear>& linears) {
    if (!has(slot)) return single_experts(slot, linears);
    NamedMatrix matrix{name(slot), slot.in, slot.out, count, {}};
    add_experts(matrix, 0, linears);
    list_.push_back(std::move(matrix));
  }
  void fused_experts(const Slot& whole, int count,
                     std::initializer_list<SlotPart<const std::vector<Linear>>> parts) {
    if (!has(whole)) {
      for (const auto& part : parts) experts(part.slot, count, *part.to);
      return;
    }
    NamedMatrix matrix{name(whole), whole.in, whole.out, count, {}};
    std::int64_t row = 0;
    for (const auto& [slot, to] : parts) {
      add_experts(matrix, row, *to);
      row += slot.out;
    }
    list_.push_back(std::move(matrix));
  }
  template <class Others>
  void either(const Slot& slot, const Linear& l, const Others& others) {
    if (has(slot)) return linear(slot, l);
    others();
  }
  void slices(const Slot& slot, int count, const std::vector<Linear>& linears) {
    NamedMatrix matrix{name(slot), slot.in, slot.out, 0, {}};
    for (int i = 0; i < count; ++i) matrix.places.push_back({&linears[std::size_t(i)], slot.out / count * i});
    list_.push_back(std::move(matrix));
  }
  void latent_heads(const Slot& both, const Slot& key, const Slot& value, const LatentPlan& p) {
    if (has(key) || !has(both)) {
      experts(key, p.heads, p.k_b);
      experts(value, p.heads, p.v_b);
      return;
    }
    NamedMatrix matrix{name(both), both.in, both.out, 0, {}};
    for (std::size_t h = 0; h < p.k_b.size(); ++h) {
      const std::int64_t first = std::int64_t(h) * (p.nope + p.head_value);
      matrix.places.push_back({&p.k_b[h], first, 0, true});
      matrix.places.push_back({&p.v_b[h], first + p.nope});
    }
    list_.push_back(std::move(matrix));
  }
  void unused(std::string_view tensor) {
    if (unused_ != nullptr) unused_->push_back(name({.name = tensor}));
  }

 private:
  std::string name(const Slot& slot) const { return fmt::format("{}{}{}", prefix_, slot.name, slot.suffix); }
  bool has(const Slot& slot) const { return has_(name(slot)); }

  static void add_experts(NamedMatrix& matrix, std::int64_t row, const std::vector<Linear>& linears) {
    for (std::size_t e = 0; e < linears.size(); ++e) matrix.places.push_back({&linears[e], row, int(e)});
  }
  // Files of the first generation have a tensor for each.
  void single_experts(const Slot& slot, const std::vector<Linear>& linears) {
    const std::string_view single = slot.name.substr(0, slot.name.rfind("_exps"));
    for (std::size_t e = 0; e < linears.size(); ++e) {
      const std::string own = fmt::format("{}.{}", single, e);
      Slot row = slot;
      row.name = own;
      linear(row, linears[e]);
    }
  }

  std::vector<NamedMatrix>& list_;
  std::vector<std::string>* unused_;  // or null
  const HasTensor& has_;
  std::string prefix_;
};

// Blocks of a layer may share a tensor.
void join_places(std::vector<NamedMatrix>& list) {
  std::unordered_map<std::string_view, NamedMatrix*> first;
  for (NamedMatrix& matrix : list) {
    const auto [at, is_new] = first.try_emplace(matrix.name, &matrix);
    if (is_new) continue;
    auto& places = at->second->places;
    places.insert(places.end(), matrix.places.begin(), matrix.places.end());
    matrix.places.clear();
  }
  std::erase_if(list, [](const NamedMatrix& matrix) { return matrix.places.empty(); });
}

}  // namespace

std::vector<NamedMatrix> name_matrices(const ModelConfig& config, const Weights& weights,
                                       const HasTensor& has, std::vector<std::string>* unused) {
  std::vector<NamedMatrix> list;
  NameWalk ends(list, unused, has, "");
  walk_ends(config, weights, ends);
  for (std::size_t il = 0; il < weights.layers.size(); ++il) {
    NameWalk layer(list, unused, has, fmt::format("blk.{}.", il));
    walk_layer(weights.layers[il], config.hidden, layer);
  }
  join_places(list);
  return list;
}

}  // namespace longhand
