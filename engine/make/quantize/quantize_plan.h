// Which type each tensor of a model gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/longhand_quantize.h"
#include "engine/make/imatrix/importance.h"
#include "engine/make/quantize/recipe.h"
#include "loaders/gguf/gguf.h"

namespace longhand {

struct PlannedTensor {
  const TensorInfo* tensor = nullptr;
  TensorCategory category = TensorCategory::other;
  bool open = false;                   // may have another type
  bool ruled = false;                  // an option says which
  std::uint32_t type = 0;              // in the new file: a GGUF tensor type
  const FormatInfo* wanted = nullptr;  // where rows are no whole blocks of it, so that `type` differs
  const ImportanceEntry* importance = nullptr;  // of its columns, where it is known
  std::optional<double> sensitivity = {};       // what its errors cost, where that is known

  std::uint64_t cols() const noexcept { return tensor->dims[0]; }
  std::uint64_t rows() const noexcept { return tensor->dims[1] * tensor->dims[2] * tensor->dims[3]; }
  std::uint64_t matrices() const noexcept { return tensor->dims[2] * tensor->dims[3]; }
  std::uint64_t weights() const noexcept { return cols() * rows(); }
  bool changes() const noexcept { return type != tensor->type_id; }
  std::uint64_t bytes() const;
  std::uint64_t bytes_as(std::uint32_t type) const;
  /// Whether importance is asked of types that need it: of matrices inside layers.
  bool inside() const noexcept {
    return category != TensorCategory::embedding && category != TensorCategory::output;
  }
};

struct QuantizePlan {
  std::vector<PlannedTensor> tensors;  // in the order of the file
  std::uint32_t file_type = 0;         // general.file_type
};

/// Types by the recipe and the rules of `options`; with a target, F16 in place of the recipe's.
/// `matrix` may be null. Throws Error: range, mismatch, unsupported.
QuantizePlan plan_types(const Gguf& file, const ImportanceMatrix* matrix, const QuantizeOptions& options);
/// Throws Error(missing) where a type needs importance that is not there.
void check_importance(const Gguf& file, const QuantizePlan& plan);
/// The format of a tensor type by its name, in letters of either case. Throws Error(range) naming all.
const FormatInfo& format_named(const std::string& name);

}  // namespace longhand
