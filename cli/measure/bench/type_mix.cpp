#include "cli/measure/bench/type_mix.h"

#include <algorithm>
#include <array>

#include "ops/format.h"

namespace longhand::cli {
namespace {

struct NamedMix {
  std::string_view name, recipe;
  bool pure = false;
};
constexpr NamedMix kNames[] = {
    {"F32", "F32"},           {"F16", "F16"},           {"BF16", "BF16"},         {"Q4_0", "Q4_0"},
    {"Q4_1", "Q4_1"},         {"Q5_0", "Q5_0"},         {"Q5_1", "Q5_1"},         {"Q8_0", "Q8_0"},
    {"Q2_K", "Q2_K"},         {"Q3_K_S", "Q3_K_S"},     {"Q3_K_M", "Q3_K_M"},     {"Q3_K_L", "Q3_K_L"},
    {"Q4_K_S", "Q4_K_S"},     {"Q4_K_M", "Q4_K_M"},     {"Q5_K_S", "Q5_K_S"},     {"Q5_K_M", "Q5_K_M"},
    {"Q6_K", "Q6_K"},         {"IQ4_NL", "IQ4_NL"},     {"IQ4_XS", "IQ4_XS"},     {"MXFP4", "MXFP4_MOE"},
    {"Q3_K", "Q3_K_S", true}, {"Q4_K", "Q4_K_S", true}, {"Q5_K", "Q5_K_S", true},
};

TensorCategory category_of(MatrixRole role) noexcept {
  switch (role) {
    case MatrixRole::embedding:
      return TensorCategory::embedding;
    case MatrixRole::head:
      return TensorCategory::output;
    case MatrixRole::attn_v:
      return TensorCategory::value;
    case MatrixRole::attn_output:
      return TensorCategory::attention_output;
    case MatrixRole::ffn:
      return TensorCategory::ffn_up;
    case MatrixRole::ffn_down:
      return TensorCategory::ffn_down;
    case MatrixRole::attention:
    case MatrixRole::small:
      break;
  }
  return TensorCategory::other;
}

const FormatInfo& wanted(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer, int cols) {
  if (role == MatrixRole::small) return F32::info;
  const FormatInfo& base = *mix.recipe->base;
  if (mix.pure) return base;
  const bool is_ffn = role == MatrixRole::ffn || role == MatrixRole::ffn_down;
  const bool inside = role != MatrixRole::embedding && role != MatrixRole::head;
  // The recipe's type is that of experts alone; a model without experts is measured with all its layers in
  // it.
  if (&base == &MXFP4::info && shape.experts == 0 && inside) return base;
  const RecipeModel model{.architecture = shape.arch,
                          .layers = shape.layers,
                          .group = shape.heads / shape.kv_heads,
                          .experts = shape.experts,
                          .tied = shape.tied};
  return recipe_type(
      *mix.recipe, model,
      {category_of(role), std::uint64_t(cols), layer, layer, shape.layers, is_ffn && shape.experts > 0});
}

}  // namespace

std::span<const TypeMix> type_mixes() noexcept {
  static const auto mixes = [] {
    std::array<TypeMix, std::size(kNames)> all;
    std::ranges::transform(kNames, all.begin(), [](const NamedMix& named) {
      return TypeMix{named.name, find_recipe(named.recipe), named.pure};
    });
    return all;
  }();
  return mixes;
}

const TypeMix* find_mix(std::string_view name) noexcept {
  const auto mixes = type_mixes();
  const auto found = std::ranges::find(mixes, name, &TypeMix::name);
  return found == mixes.end() ? nullptr : &*found;
}

const FormatInfo& matrix_format(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer,
                                int cols) noexcept {
  return fitting_type(wanted(mix, shape, role, layer, cols), std::uint64_t(cols));
}

}  // namespace longhand::cli
