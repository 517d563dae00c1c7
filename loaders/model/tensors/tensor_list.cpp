#include "loaders/model/tensors/tensor_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "loaders/model/weights.h"

namespace longhand {
namespace {

/// A walk over slots (see slots.h). It takes the same turns as SlotLoader, with `wanted` for the file.
class ListWalk {
 public:
  ListWalk(std::vector<ListedTensor>& list, const HasTensor& wanted, std::string prefix, int layer)
      : list_(list), wanted_(wanted), prefix_(std::move(prefix)), layer_(layer) {}

  template <class Any>
  void linear(const Slot& slot, Any&) {
    matrix(slot, 0);
  }
  template <class Any>
  void fused(const Slot& whole, std::initializer_list<SlotPart<Any>> parts) {
    const Slot& first = parts.begin()->slot;
    if (!wants(first) && wants(whole)) return matrix(with_role(whole, first.role), 0);
    for (const auto& part : parts) matrix(part.slot, 0);
  }
  template <class Any>
  void experts(const Slot& slot, int count, Any&) {
    expert_matrices(slot, count);
  }
  template <class Any>
  void fused_experts(const Slot& whole, int count, std::initializer_list<SlotPart<Any>> parts) {
    if (wants(whole)) return expert_matrices(with_role(whole, parts.begin()->slot.role), count);
    for (const auto& part : parts) expert_matrices(part.slot, count);
  }
  template <class Any, class Others>
  void either(const Slot& slot, Any&, const Others& others) {
    if (wants(slot)) return matrix(slot, 0);
    others();
  }
  template <class Plan>
  void latent_heads(const Slot& both, const Slot& key, const Slot& value, const Plan& p) {
    if (!wants(key) && wants(both)) return matrix(with_role(both, key.role), 0);
    expert_matrices(key, p.heads);
    expert_matrices(value, p.heads);
  }
  template <class Any>
  void slices(const Slot& slot, int, const Any&) {
    matrix(slot, 0);
  }
  template <class Any>
  void numbers(const Slot& slot, int, const Any&) {
    add(slot, slot.suffix, {slot.in, slot.out}, TensorKind::whole);
  }
  void norm(const Slot& slot, const NormPlan& plan) {
    const bool bare = !wants(slot) && wanted_(name(slot, ""));
    if (slot.need == Need::optional && !bare && !wants(slot)) return;
    add(slot, bare ? "" : slot.suffix, {slot.out}, TensorKind::norm);
    if (plan.kind == Norm::layer) add_if_wanted(slot, ".bias", {slot.out});
  }
  template <class Any>
  void vector(const Slot& slot, const Any&) {
    if (slot.need == Need::required || wants(slot))
      add(slot, slot.suffix, {slot.in, slot.out}, TensorKind::vector);
  }
  template <class Any, class Others>
  void vector_or(const Slot& slot, const Any& to, const Others& others) {
    if (wants(slot)) return vector(slot, to);
    others();
  }
  template <class Any>
  void columns(const Slot& slot, const Any&) {
    if (slot.need == Need::required || wants(slot))
      add(slot, slot.suffix, {slot.in, slot.out}, TensorKind::matrix);
  }
  // Of three dimensions in files.
  template <class Any>
  void joined_columns(std::initializer_list<Slot> slots, const Any&) {
    for (const Slot& slot : slots) add(slot, slot.suffix, {slot.in, 1, slot.out}, TensorKind::matrix);
  }
  template <class Any>
  void factors(const Slot& slot, const Any& to) {
    vector(slot, to);
  }
  void unused(std::string_view) {}
  template <class Core, class Any>
  void key_codes(const Core&, const Any&) {}

  void matrix(const Slot& slot, int experts) {
    if (slot.need == Need::optional && !wants(slot)) return;
    add(slot, slot.suffix, {slot.in, slot.out, experts}, TensorKind::matrix);
    add_if_wanted(slot, ".bias", {slot.out, experts});
    if (slot.scaled) add_if_wanted(slot, ".scale", {std::max(experts, 1)});
  }

 private:
  static Slot with_role(Slot slot, MatrixRole role) {
    slot.role = role;
    return slot;
  }
  std::string name(const Slot& slot, std::string_view suffix) const {
    return fmt::format("{}{}{}", prefix_, slot.name, suffix);
  }
  bool wants(const Slot& slot) const { return wanted_(name(slot, slot.suffix)); }

  // A dimension of 0 is none. Vectors of one value keep their only dimension.
  void add(const Slot& slot, std::string_view suffix, std::initializer_list<std::int64_t> dims,
           TensorKind kind) {
    ListedTensor tensor{name(slot, suffix), {}, kind, slot.role, layer_};
    // Blocks side by side may read the same norm.
    if (std::ranges::find(list_, tensor.name, &ListedTensor::name) != list_.end()) return;
    for (const std::int64_t dim : dims) {
      if (dim != 0) tensor.dims.push_back(std::uint64_t(dim));
    }
    // A vector's one column comes first.
    if (kind == TensorKind::vector && tensor.dims.size() > 1 && tensor.dims[0] == 1)
      tensor.dims.erase(tensor.dims.begin());
    while (tensor.dims.size() > 1 && tensor.dims.back() == 1) tensor.dims.pop_back();
    list_.push_back(std::move(tensor));
  }
  void add_if_wanted(const Slot& slot, std::string_view suffix, std::initializer_list<std::int64_t> dims) {
    if (wanted_(name(slot, suffix))) add(slot, suffix, dims, TensorKind::vector);
  }

  // One tensor for all, or one each where only those are wanted.
  void expert_matrices(const Slot& slot, int count) {
    const std::string_view single = slot.name.substr(0, slot.name.rfind("_exps"));
    Slot own = slot;
    const std::string first = fmt::format("{}.0", single);
    own.name = first;
    if (wants(slot) || !wants(own)) return matrix(slot, count);
    for (int e = 0; e < count; ++e) {
      const std::string nth = fmt::format("{}.{}", single, e);
      own.name = nth;
      matrix(own, 0);
    }
  }

  std::vector<ListedTensor>& list_;
  const HasTensor& wanted_;
  std::string prefix_;
  int layer_;
};

}  // namespace

std::vector<ListedTensor> list_tensors(const ModelConfig& config, const HasTensor& wanted) {
  std::vector<ListedTensor> list;
  ListWalk ends(list, wanted, "", -1);
  ends.matrix({kEmbedding, config.vocab, config.hidden, Need::required, MatrixRole::embedding}, 0);
  Weights weights;
  plan_ends(config, weights);
  if (config.arch->learned_positions)
    ends.matrix({kPositions, config.trained_context, config.hidden, Need::required, MatrixRole::embedding},
                0);
  if (config.arch->token_types)
    ends.matrix({kTokenTypes, config.pooling.token_types, config.hidden, Need::optional}, 0);
  if (weights.per_layer.width > 0) {
    ends.matrix(
        {kPerLayerEmbedding, config.vocab, weights.per_layer.values(), Need::required, MatrixRole::embedding},
        0);
  }
  walk_ends(config, weights, ends);
  weights.layers = plan_layers(config, wanted);
  for (int il = 0; il < int(weights.layers.size()); ++il) {
    ListWalk layer(list, wanted, fmt::format("blk.{}.", il), il);
    walk_layer(weights.layers[std::size_t(il)], config.hidden, layer);
  }
  return list;
}

HasTensor wish_list(std::vector<std::string> names) {
  return [names = std::move(names)](const std::string& name) {
    std::size_t from = 0;
    if (name.starts_with("blk.")) from = name.find('.', 4) + 1;
    return std::ranges::find(names, std::string_view(name).substr(from)) != names.end();
  };
}

}  // namespace longhand
