#include "loaders/model/tensors/linear_names.h"

#include <fmt/format.h>

#include <initializer_list>

namespace longhand {
namespace {

/// A walk over slots (see slots.h). It takes the same turns as SlotLoader.
class NameWalk : public MatricesAlone {
 public:
  NameWalk(std::vector<NamedLinear>& list, const HasTensor& has, std::string prefix)
      : list_(list), has_(has), prefix_(std::move(prefix)) {}

  void linear(const Slot& slot, const Linear& l) { add(name(slot), l); }
  template <class Any>
  void fused(const Slot& whole, std::initializer_list<SlotPart<Any>> parts) {
    const auto& first = *parts.begin();
    if (!has_(name(first.slot)) && has_(name(whole))) return linear(whole, *first.to);
    for (const auto& part : parts) linear(part.slot, *part.to);
  }
  void experts(const Slot& slot, int count, const std::vector<Linear>& linears) {
    const std::string together = name(slot);
    const std::string_view single = slot.name.substr(0, slot.name.rfind("_exps"));
    for (int e = 0; e < count && e < int(linears.size()); ++e) {
      const Linear& l = linears[std::size_t(e)];
      if (has_(together)) {
        add(together, l, e, count, slot.split == Split::experts);
      } else {
        add(fmt::format("{}{}.{}{}", prefix_, single, e, slot.suffix), l);
      }
    }
  }
  template <class Any>
  void fused_experts(const Slot& whole, int count, std::initializer_list<SlotPart<Any>> parts) {
    if (has_(name(whole))) {
      Slot together = whole;
      together.split = Split::experts;
      return experts(together, count, *parts.begin()->to);
    }
    for (const auto& part : parts) experts(part.slot, count, *part.to);
  }
  template <class Others>
  void either(const Slot& slot, const Linear& l, const Others& others) {
    linear(slot, l);
    if (l.empty()) others();
  }
  void slices(const Slot& slot, int, const std::vector<Linear>& linears) {
    for (const Linear& l : linears) linear(slot, l);
  }
  // Of what is in one tensor, keys are kept turned and have other columns.
  template <class Plan>
  void latent_heads(const Slot& both, const Slot& key, const Slot& value, const Plan& p) {
    if (!has_(name(key))) return slices(both, p.heads, p.v_b);
    heads(key, p.k_b);
    heads(value, p.v_b);
  }

 private:
  std::string name(const Slot& slot) const { return fmt::format("{}{}{}", prefix_, slot.name, slot.suffix); }
  void heads(const Slot& slot, const std::vector<Linear>& linears) {
    for (std::size_t h = 0; h < linears.size(); ++h)
      add(name(slot), linears[h], int(h), int(linears.size()), false);
  }
  void add(std::string tensor, const Linear& l, int matrix = 0, int matrices = 1, bool by_experts = false) {
    if (!l.empty()) list_.push_back({std::move(tensor), &l, matrix, matrices, by_experts});
  }

  std::vector<NamedLinear>& list_;
  const HasTensor& has_;
  std::string prefix_;
};

}  // namespace

std::vector<NamedLinear> name_linears(const ModelConfig& config, const Weights& weights,
                                      const HasTensor& has) {
  std::vector<NamedLinear> list;
  NameWalk ends(list, has, "");
  walk_ends(config, weights, ends);
  for (std::size_t il = 0; il < weights.layers.size(); ++il) {
    NameWalk layer(list, has, fmt::format("blk.{}.", il));
    walk_layer(weights.layers[il], config.hidden, layer);
  }
  return list;
}

}  // namespace longhand
