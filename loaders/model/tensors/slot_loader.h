// The walk over slots (see slots.h) that fills them from a file.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "loaders/model/tensors/tensor_reader.h"

namespace longhand {

class SlotLoader {
 public:
  /// `prefix`: what stands before the names of a layer's tensors, "blk.3.".
  SlotLoader(TensorReader& reader, const AttentionConfig& attention, std::string prefix)
      : reader_(reader), attention_(attention), prefix_(std::move(prefix)) {}

  void linear(const Slot& slot, Linear& to) { to = part(slot, slot, 0); }
  void fused(const Slot& whole, std::initializer_list<SlotPart<Linear>> parts);
  void experts(const Slot& slot, int count, std::vector<Linear>& to) {
    to = expert_rows(slot, slot, 0, count);
  }
  void fused_experts(const Slot& whole, int count,
                     std::initializer_list<SlotPart<std::vector<Linear>>> parts);
  void slices(const Slot& slot, int count, std::vector<Linear>& to);
  void numbers(const Slot& slot, int limit, const std::int32_t*& to) {
    to = reader_.numbers(name(slot), slot.in, slot.out, limit);
  }
  /// Where the weight is optional and missing, the norm is left out.
  void norm(const Slot& slot, NormPlan& to);
  void vector(const Slot& slot, const float*& to);
  template <class Others>
  void vector_or(const Slot& slot, const float*& to, const Others& others) {
    vector(slot, to);
    if (to == nullptr) others();
  }
  void columns(const Slot& slot, const float*& to) { joined_columns({slot}, to); }
  void joined_columns(std::initializer_list<Slot> slots, const float*& to);
  void unused(std::string_view tensor) { reader_.find(name({.name = tensor})); }
  void factors(const Slot& slot, std::vector<float>& to) { to = reader_.factors(name(slot), slot.out); }
  template <class Others>
  void either(const Slot& slot, Linear& to, const Others& others) {
    linear(slot, to);
    if (to.empty()) others();
  }
  /// Matrices of each head; old files have those of keys (transposed) and values in one tensor `both`.
  void latent_heads(const Slot& both, const Slot& key, const Slot& value, LatentPlan& to);
  /// Vectors that stand for keys, and random features of keys; files without any are ordinary.
  void key_codes(const AttentionCore& core, KeyCodes& to);

 private:
  std::string name(const Slot& slot) const { return name(slot, slot.suffix); }
  std::string name(const Slot& slot, std::string_view suffix) const;
  Linear part(const Slot& whole, const Slot& slot, std::int64_t row);
  std::vector<Linear> expert_rows(const Slot& whole, const Slot& slot, std::int64_t row, int count);
  void split_heads(const Slot& both, LatentPlan& to);
  std::vector<Linear> single_experts(const Slot& slot, int count);

  TensorReader& reader_;
  const AttentionConfig& attention_;
  std::string prefix_;
};

}  // namespace longhand
