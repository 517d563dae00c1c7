// The tensor types of GGUF, one row per id.
#include "loaders/gguf/tensor_types.h"

#include <fmt/format.h>

#include <array>

#include "ops/checked.h"

namespace longhand {
namespace {

// Rows with 0 elements are types that were in use once and have been removed from the format.
// clang-format off
constexpr std::array<TensorTypeInfo, 43> kTypes = {{
    {"F32", 1, 4},          // 0
    {"F16", 1, 2},
    {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},
    {"Q4_2", 0, 0},
    {"Q4_3", 0, 0},         // 5
    {"Q5_0", 32, 22},
    {"Q5_1", 32, 24},
    {"Q8_0", 32, 34},
    {"Q8_1", 32, 36},
    {"Q2_K", 256, 84},      // 10
    {"Q3_K", 256, 110},
    {"Q4_K", 256, 144},
    {"Q5_K", 256, 176},
    {"Q6_K", 256, 210},
    {"Q8_K", 256, 292},     // 15
    {"IQ2_XXS", 256, 66},
    {"IQ2_XS", 256, 74},
    {"IQ3_XXS", 256, 98},
    {"IQ1_S", 256, 50},
    {"IQ4_NL", 32, 18},     // 20
    {"IQ3_S", 256, 110},
    {"IQ2_S", 256, 82},
    {"IQ4_XS", 256, 136},
    {"I8", 1, 1},
    {"I16", 1, 2},          // 25
    {"I32", 1, 4},
    {"I64", 1, 8},
    {"F64", 1, 8},
    {"IQ1_M", 256, 56},
    {"BF16", 1, 2},         // 30
    {"Q4_0_4_4", 0, 0},
    {"Q4_0_4_8", 0, 0},
    {"Q4_0_8_8", 0, 0},
    {"TQ1_0", 256, 54},
    {"TQ2_0", 256, 66},     // 35
    {"IQ4_NL_4_4", 0, 0},
    {"IQ4_NL_4_8", 0, 0},
    {"IQ4_NL_8_8", 0, 0},
    {"MXFP4", 32, 17},
    {"NVFP4", 64, 36},      // 40
    {"Q1_0", 128, 18},
    {"Q2_0", 64, 18},
}};
// clang-format on

// Files with types of their own were published by forks of the format; their ids start here.
constexpr std::uint32_t kFirstForkId = 100;

constexpr std::uint64_t kMaxTensorBytes = std::uint64_t{1} << 62;

}  // namespace

const TensorTypeInfo* known_tensor_type(std::uint32_t type_id) noexcept {
  return type_id < kTypes.size() && kTypes[type_id].block_elements != 0 ? &kTypes[type_id] : nullptr;
}

std::optional<std::uint64_t> tensor_bytes(const TensorTypeInfo& type,
                                          const std::array<std::uint64_t, 4>& dims) noexcept {
  if (dims[0] % type.block_elements != 0) return std::nullopt;
  std::optional<std::uint64_t> bytes = checked_mul(dims[0] / type.block_elements, type.block_bytes);
  for (std::size_t i = 1; i < dims.size() && bytes; ++i) bytes = checked_mul(*bytes, dims[i]);
  return bytes && *bytes <= kMaxTensorBytes ? bytes : std::nullopt;
}

std::string unknown_tensor_type_advice(std::uint32_t type_id) {
  if (type_id < kTypes.size()) {
    const std::string_view name = kTypes[type_id].name;
    const std::string_view replacement = name.starts_with("IQ4_NL_") ? "IQ4_NL" : "Q4_0";
    return fmt::format("{} (id {}) was removed from GGUF; use a {} file of this model instead", name, type_id,
                       replacement);
  }
  if (type_id >= kFirstForkId && type_id <= 0xFFFF) {
    return fmt::format("id {} is no GGUF type but one of a fork; use a file with standard types", type_id);
  }
  return fmt::format("id {} is no GGUF type, must be 0..{}", type_id, kTypes.size() - 1);
}

}  // namespace longhand
