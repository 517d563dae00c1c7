// The tensors of a model as rows of tables: one row a tensor, in the file of the block that computes with it.
//
// Each block has a function walk_slots(plan, walk) that shows every row, with the member it fills, to a walk:
//
//   walk.linear(slot, linear)                 a matrix, its optional bias and scale
//   walk.fused(slot, {{slot, &linear}, ...})  matrices that a file may keep in one tensor, rows in this order
//   walk.experts(slot, single, linears)       the same matrix of every expert; `single` names those of files
//   that
//                                             keep one tensor an expert
//   walk.fused_experts(slot, {{slot, &linears}, ...})
//   walk.slices(slot, count, linears)         equal parts of the rows of one matrix
//   walk.numbers(slot, limit, values)         whole numbers from 0 to below the limit
//   walk.norm(slot, plan)                     weight and bias of a norm
//   walk.vector(slot, values)                 floats, (out) or (out, in)
//   walk.vector_or(slot, values, others)      in place of the slots that others() shows
//   walk.columns(slot, values)                floats of a matrix (out, in), kept as (in, out)
//   walk.joined_columns({slot, ...}, values)  the same of matrices whose rows follow one another
//   walk.unused(name)                         a tensor of some files that nothing reads
//   walk.either(slot, linear, others)         a matrix of some files, in place of the slots that others()
//   shows
//
// Loading fills the members; others only look: repacking, sizes, synthetic models.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "loaders/model/linear.h"

namespace longhand {

enum class Need : std::uint8_t { required, optional };

/// How several machines share a matrix: each computes some of its outputs, adds up some of its inputs, has
/// some of its experts, or all have it whole.
enum class Split : std::uint8_t { whole, outputs, inputs, experts };

/// What a matrix does, as far as mixes of tensor types tell them apart.
enum class MatrixRole : std::uint8_t {
  embedding,
  head,
  attention,
  attn_v,
  attn_output,
  ffn,
  ffn_down,
  small,  // routers and gates, which files keep in floats
};

/// One row: a tensor by its name within its layer.
struct Slot {
  std::string_view name;
  std::int64_t out = 0, in = 1;  // rows and columns; a vector has `out` values
  Need need = Need::required;
  MatrixRole role = MatrixRole::small;
  Split split = Split::whole;
  std::string_view suffix = ".weight";
  bool scaled = true;  // a tensor of the same name and the suffix ".scale" is the matrix's scale
};

/// A part of a fused tensor. Any: Linear, std::vector<Linear>, or their const forms.
template <class Any>
struct SlotPart {
  Slot slot;
  Any* to;
};
template <class Any>
SlotPart(Slot, Any*) -> SlotPart<Any>;

/// What a walk does with all rows but matrices where it looks at those alone: nothing.
struct MatricesAlone {
  template <class Any>
  void numbers(const Slot&, int, const Any&) {}
  void norm(const Slot&, const NormPlan&) {}
  template <class Any>
  void vector(const Slot&, const Any&) {}
  template <class Any, class Others>
  void vector_or(const Slot&, const Any&, const Others&) {}
  template <class Any>
  void columns(const Slot&, const Any&) {}
  template <class Any>
  void joined_columns(std::initializer_list<Slot>, const Any&) {}
  template <class Any>
  void factors(const Slot&, const Any&) {}
  void unused(std::string_view) {}
  template <class Core, class Any>
  void key_codes(const Core&, const Any&) {}
};

/// A plan of some kind, to fill or to look at.
template <class Any, class Plan>
concept PlanOf = std::same_as<std::remove_const_t<Any>, Plan>;

}  // namespace longhand
