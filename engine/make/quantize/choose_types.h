// Types for a file of a given size, chosen so that the error is least.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/make/quantize/quantize_plan.h"

namespace longhand {

/// A type a tensor may have, and what it costs.
struct TypeChoice {
  std::uint32_t type = 0;  // a GGUF tensor type
  std::uint64_t bytes = 0;
  double loss = 0;
};

/// Of each tensor one of its choices, as numbers in its list, so that all together have at most `budget`
/// bytes and the sum of losses is small: from the smallest types on, the step that saves most loss a byte is
/// taken, along the convex hull of each list, as long as there is room; then whatever single step still fits.
/// Empty where not even the smallest fit.
std::vector<std::size_t> choose(std::span<const std::vector<TypeChoice>> tensors, std::uint64_t budget);

/// How open tensors are measured.
struct MeasureOptions {
  int threads = 1;
  double average_bits = 0;  // that a weight may have; types far below are left out
  Progress progress = {};
};
/// The squared error of what a matrix gives when it is written as `format`, relative to what it gives,
/// weighed by importance, on an even sample of its rows. Throws Error(nonfinite).
double relative_error(const Gguf& file, const PlannedTensor& tensor, const FormatInfo& format);
/// The choices of every tensor of the plan; one alone for what has its type. A loss is the relative error
/// times what it costs: the sensitivity of the tensor where that was measured; else a factor of its category,
/// in which output heads and what adds to the residual stream count more. Throws Error: nonfinite, cancelled.
std::vector<std::vector<TypeChoice>> measure_choices(const Gguf& file, const QuantizePlan& plan,
                                                     const MeasureOptions& options);

}  // namespace longhand
