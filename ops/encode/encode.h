// Quantization: rows of floats to blocks of a tensor format, with the least squared error that a search
// finds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/format.h"

namespace longhand {

/// Whether this build writes the format.
bool can_encode(FormatId id) noexcept;
/// Whether what the format keeps is of no use unless it was chosen by importance: it has about two bits a
/// weight or less.
bool needs_importance(FormatId id) noexcept;

/// Encodes `rows` rows of `cols` weights, which are whole blocks, row after row into `dst` (rows *
/// row_bytes(id, cols) bytes). Looks for the least sum of importance[column] * (decoded - weight)^2;
/// `importance` has one number >= 0 for each column (the mean square of what the column is multiplied with),
/// or is empty for weights that all count the same. Rows do not depend on one another, and their bytes are
/// the same on every CPU. Weights that are infinite or NaN spoil their block and nothing else. can_encode(id)
/// must hold.
void encode_rows(FormatId id, const float* src, std::int64_t rows, std::int64_t cols,
                 std::span<const float> importance, std::byte* dst) noexcept;

/// The sum of importance[column] * (decoded - weight)^2 over rows that were encoded from `src`; arguments as
/// those of encode_rows.
double encode_error(FormatId id, const float* src, std::int64_t rows, std::int64_t cols,
                    std::span<const float> importance, const std::byte* encoded);

}  // namespace longhand
