// The tensor types of GGUF, one row per id.
#include "loaders/gguf/tensor_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

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

/// A type of ik_llama.cpp. Its ids do not follow those of GGUF.
struct ForkType {
  std::uint32_t id;
  TensorTypeInfo info;
};
// clang-format off
constexpr ForkType kForkTypes[] = {
    {133, {"Q6_0", 32, 26}},
    {137, {"IQ2_K", 256, 76}},
    {138, {"IQ3_K", 256, 110}},
    {139, {"IQ4_K", 256, 144}},
    {140, {"IQ5_K", 256, 176}},
    {141, {"IQ6_K", 256, 212}},
    {144, {"IQ4_KS", 256, 136, 4}},
    {145, {"IQ2_KS", 256, 70, 2}},
    {146, {"IQ4_KSS", 256, 128, 4}},
    {152, {"IQ5_KS", 256, 168, 4}},
    {153, {"IQ2_KT", 256, 68, 4}},
    {154, {"IQ3_KT", 256, 100, 4}},
    {155, {"IQ4_KT", 256, 128, 4}},
    {156, {"IQ3_KS", 256, 102, 2}},
    {157, {"IQ2_KL", 256, 86, 2}},
    {158, {"IQ1_KT", 256, 56, 4}},
    {202, {"Q4_0_R8", 32, 18, 0, 8}},
    {206, {"Q5_0_R4", 32, 22, 0, 4}},
    {208, {"Q8_0_R8", 32, 34, 0, 8}},
    {210, {"Q2_K_R4", 256, 84, 0, 4}},
    {211, {"Q3_K_R4", 256, 110, 0, 4}},
    {212, {"Q4_K_R4", 256, 144, 0, 4}},
    {213, {"Q5_K_R4", 256, 176, 0, 4}},
    {214, {"Q6_K_R4", 256, 210, 0, 4}},
    {216, {"IQ2_XXS_R4", 256, 66, 0, 4}},
    {217, {"IQ2_XS_R4", 256, 74, 0, 4}},
    {218, {"IQ3_XXS_R4", 256, 98, 0, 4}},
    {219, {"IQ1_S_R4", 32, 6, 2, 4}},
    {220, {"IQ4_NL_R4", 32, 18, 0, 4}},
    {221, {"IQ3_S_R4", 256, 110, 0, 4}},
    {222, {"IQ2_S_R4", 256, 82, 0, 4}},
    {223, {"IQ4_XS_R8", 256, 136, 0, 8}},
    {229, {"IQ1_M_R4", 32, 7, 2, 4}},
    {230, {"BF16_R16", 1, 2, 0, 16}},
    {233, {"Q6_0_R4", 32, 26, 0, 4}},
    {337, {"IQ2_K_R4", 256, 76, 0, 4}},
    {338, {"IQ3_K_R4", 256, 110, 0, 4}},
    {339, {"IQ4_K_R4", 256, 144, 0, 4}},
    {340, {"IQ5_K_R4", 256, 176, 0, 4}},
    {344, {"IQ4_KS_R4", 256, 136, 4, 4}},
    {352, {"IQ5_KS_R4", 256, 168, 4, 4}},
    {353, {"MXFP4_R8", 32, 17, 0, 8}},
};
// clang-format on

// Files with types of their own were published by forks of the format; their ids start here.
constexpr std::uint32_t kFirstForkId = 100;

constexpr std::uint64_t kMaxTensorBytes = std::uint64_t{1} << 62;

}  // namespace

const TensorTypeInfo* known_tensor_type(std::uint32_t type_id) noexcept {
  if (type_id < kTypes.size()) return kTypes[type_id].block_elements != 0 ? &kTypes[type_id] : nullptr;
  const auto* fork = std::ranges::find(kForkTypes, type_id, &ForkType::id);
  return fork != std::end(kForkTypes) ? &fork->info : nullptr;
}

std::optional<std::uint64_t> tensor_bytes(const TensorTypeInfo& type,
                                          const std::array<std::uint64_t, 4>& dims) noexcept {
  if (dims[0] % type.block_elements != 0) return std::nullopt;
  std::optional<std::uint64_t> bytes = checked_mul(dims[0] / type.block_elements, type.block_bytes);
  if (bytes) bytes = checked_add(*bytes, type.row_head);
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
    return fmt::format(
        "id {} is no GGUF type but one of a fork that is not known; use a file with standard types", type_id);
  }
  return fmt::format("id {} is no GGUF type, must be 0..{}", type_id, kTypes.size() - 1);
}

}  // namespace longhand
