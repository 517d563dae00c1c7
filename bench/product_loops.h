// What the product instructions of an instruction set reach with nothing around them: operands in the nearest
// cache, sums in registers. Kernels are measured against it in the same moments, because the clock changes
// and neighbours on a shared processor come and go.
#pragma once

#include <cstdint>
#include <string_view>

namespace longhand {

struct ProductLoop {
  void (*run)(std::int32_t rounds) noexcept;
  std::int32_t products;  // of one round
};

/// By FormatId; those of the kernels named `isa`.
const ProductLoop* product_loops(std::string_view isa);

}  // namespace longhand
