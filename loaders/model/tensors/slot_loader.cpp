#include "loaders/model/tensors/slot_loader.h"

#include <fmt/format.h>

namespace longhand {

std::string SlotLoader::name(const Slot& slot, std::string_view suffix) const {
  return fmt::format("{}{}{}", prefix_, slot.name, suffix);
}

// Rows [row, row + slot.out) of a tensor that holds all of `whole`.
Linear SlotLoader::part(const Slot& whole, const Slot& slot, std::int64_t row) {
  const TensorInfo* t = reader_.find(name(whole));
  if (t == nullptr) {
    if (slot.need == Need::required) reader_.refuse(Errc::missing, name(whole), "is missing");
    return {};
  }
  reader_.check_shape(*t, {whole.in, whole.out});
  if (row == 0) reader_.count(*t);
  Linear l{reader_.rows_of(*t, row, slot.out, slot.in), nullptr, 1};
  if (const float* bias = reader_.vector(name(whole, ".bias"), whole.out, false)) l.bias = bias + row;
  if (!whole.scaled) return l;
  if (const float* scale = reader_.vector(name(whole, ".scale"), 1, false)) l.scale = *scale;
  return l;
}

// A fused tensor may have the name of one of its parts: the first part's own tensor tells the forms apart.
void SlotLoader::fused(const Slot& whole, std::initializer_list<SlotPart<Linear>> parts) {
  const bool apart = reader_.has(name(parts.begin()->slot)) || !reader_.has(name(whole));
  std::int64_t row = 0;
  for (const auto& [slot, to] : parts) {
    *to = apart ? part(slot, slot, 0) : part(whole, slot, row);
    row += slot.out;
  }
}

// Experts side by side in one tensor (in, out, experts).
std::vector<Linear> SlotLoader::expert_rows(const Slot& whole, const Slot& slot, std::int64_t row,
                                            int count) {
  const TensorInfo* t = reader_.find(name(whole));
  if (t == nullptr) return single_experts(slot, count);
  reader_.check_shape(*t, {whole.in, whole.out, count});
  if (row == 0) reader_.count(*t);
  const float* scales = reader_.vector(name(whole, ".scale"), count, false);
  const float* biases = reader_.vector(name(whole, ".bias"), count * whole.out, false);
  std::vector<Linear> result;
  for (int e = 0; e < count; ++e) {
    const std::int64_t first = e * whole.out + row;
    Linear l{reader_.rows_of(*t, first, slot.out, slot.in), nullptr, 1};
    if (scales != nullptr) l.scale = scales[e];
    if (biases != nullptr) l.bias = biases + first;
    result.push_back(l);
  }
  return result;
}

// Files of the first generation have a tensor for each: ffn_up.3 instead of ffn_up_exps.
std::vector<Linear> SlotLoader::single_experts(const Slot& slot, int count) {
  const std::string_view single = slot.name.substr(0, slot.name.rfind("_exps"));
  const auto nth = [&](int e) { return fmt::format("{}.{}", single, e); };
  if (!reader_.has(name({.name = nth(0)}))) reader_.refuse(Errc::missing, name(slot), "is missing");
  std::vector<Linear> result;
  for (int e = 0; e < count; ++e) {
    const std::string own = nth(e);
    Slot row = slot;
    row.name = own;
    result.push_back(part(row, row, 0));
    // Rows of a batch are rounded once for all experts.
    if (result.back().weight.format != result[0].weight.format)
      reader_.refuse(Errc::unsupported, name(row), "has another type than expert 0");
  }
  return result;
}

void SlotLoader::fused_experts(const Slot& whole, int count,
                               std::initializer_list<SlotPart<std::vector<Linear>>> parts) {
  const bool together = reader_.has(name(whole));
  std::int64_t row = 0;
  for (const auto& [slot, to] : parts) {
    *to = together ? expert_rows(whole, slot, row, count) : expert_rows(slot, slot, 0, count);
    row += slot.out;
  }
}

void SlotLoader::slices(const Slot& slot, int count, std::vector<Linear>& to) {
  Slot slice = slot;
  slice.out = slot.out / count;
  for (int i = 0; i < count; ++i) to.push_back(part(slot, slice, i * slice.out));
}

// Some converters leave out the suffix.
void SlotLoader::norm(const Slot& slot, NormPlan& to) {
  const bool bare = !reader_.has(name(slot)) && reader_.has(name(slot, ""));
  to.weight = reader_.vector(name(slot, bare ? "" : slot.suffix), slot.out, slot.need == Need::required);
  // A root-mean-square norm has no bias; a file that has one is of another kind, and keeps an unclaimed
  // tensor.
  if (to.kind == Norm::layer) to.bias = reader_.vector(name(slot, ".bias"), slot.out, false);
  if (to.weight == nullptr) to = {};
}

void SlotLoader::vector(const Slot& slot, const float*& to) {
  to = reader_.vector(name(slot), slot.out * slot.in, slot.need == Need::required);
}

void SlotLoader::joined_columns(std::initializer_list<Slot> slots, const float*& to) {
  std::int64_t out = 0;
  for (const Slot& slot : slots) out += slot.out;
  const std::int64_t in = slots.begin()->in;
  std::vector<float> columns(std::size_t(out * in));
  std::int64_t first = 0;
  for (const Slot& slot : slots) {
    const float* rows = nullptr;
    vector(slot, rows);
    if (rows == nullptr) return;
    for (std::int64_t r = 0; r < slot.out; ++r) {
      for (std::int64_t c = 0; c < in; ++c) columns[std::size_t(c * out + first + r)] = rows[r * in + c];
    }
    first += slot.out;
  }
  to = reader_.keep(std::move(columns));
}

void SlotLoader::latent_heads(const Slot& both, const Slot& key, const Slot& value, LatentPlan& to) {
  if (!reader_.has(name(key)) && reader_.has(name(both))) return split_heads(both, to);
  experts(key, to.heads, to.k_b);
  experts(value, to.heads, to.v_b);
}

// Each head has its rows for keys, of which the transpose is needed, then those for values, which serve as
// they are.
void SlotLoader::split_heads(const Slot& both, LatentPlan& to) {
  const TensorInfo& t = *reader_.find(name(both));
  reader_.check_shape(t, {both.in, both.out});
  reader_.count(t);
  const float* rows = reader_.vector(name(both), both.in * both.out, true);
  const auto rank = std::size_t(to.rank), nope = std::size_t(to.nope);
  for (int h = 0; h < to.heads; ++h) {
    const std::int64_t first = std::int64_t{h} * (to.nope + to.head_value);
    std::vector<float> key(rank * nope);
    for (std::size_t n = 0; n < nope; ++n) {
      for (std::size_t r = 0; r < rank; ++r) key[r * nope + n] = rows[(std::size_t(first) + n) * rank + r];
    }
    const auto* data = reinterpret_cast<const std::byte*>(reader_.keep(std::move(key)));
    to.k_b.push_back(
        {{FormatId(find_format(F32::info.gguf)), Layout::rows, to.rank, to.nope, data}, nullptr, 1});
    to.v_b.push_back({reader_.rows_of(t, first + to.nope, to.head_value, to.rank), nullptr, 1});
  }
}

void SlotLoader::key_codes(const AttentionCore& core, KeyCodes& k) {
  const int dim = core.head_dim, heads = core.kv_heads;
  const std::vector<int>& levels = attention_.fsq_levels;
  k.vectors = reader_.stack(prefix_ + "attn_k_codebook.weight", dim, heads, &k.count);
  if (k.vectors != nullptr) {
    if (const float* w = reader_.matrix(prefix_ + "attn_k_codebook_proj.weight", dim, dim, false)) {
      const std::size_t n = std::size_t(dim) * std::size_t(dim);
      k.vectors = reader_.keep(
          project_codes({k.vectors, std::size_t(heads * k.count) * std::size_t(dim)}, {w, n}, dim));
    }
  } else if (!levels.empty()) {
    const auto e = std::int64_t(levels.size());
    k.fsq_in = reader_.matrix(prefix_ + "attn_k_fsq_in.weight", dim, e, true);
    const float* out = reader_.matrix(prefix_ + "attn_k_fsq_out.weight", e, dim, true);
    const std::vector<float> one = fsq_vectors(levels, out, dim);
    std::vector<float> all;
    for (int h = 0; h < heads; ++h) all.insert(all.end(), one.begin(), one.end());
    k.count = int(one.size()) / dim;
    k.vectors = reader_.keep(std::move(all));
  }
  k.feature = reader_.stack(prefix_ + "attn_k_features.weight", dim, heads, &k.features);
}

}  // namespace longhand
