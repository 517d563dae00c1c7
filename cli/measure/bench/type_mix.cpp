#include "cli/measure/bench/type_mix.h"

#include <algorithm>

#include "ops/format.h"

namespace longhand::cli {
namespace {

constexpr TypeMix kMixes[] = {
    {"F32", &F32::info, 0},
    {"F16", &F16::info, 1},
    {"BF16", &BF16::info, 32},
    {"Q4_0", &Q4_0::info, 2},
    {"Q4_1", &Q4_1::info, 3},
    {"Q5_0", &Q5_0::info, 8},
    {"Q5_1", &Q5_1::info, 9},
    {"Q8_0", &Q8_0::info, 7},
    {"Q2_K", &Q2_K::info, 10},
    {"Q3_K_S", &Q3_K::info, 11},
    {"Q3_K_M", &Q3_K::info, 12},
    {"Q3_K_L", &Q3_K::info, 13},
    {"Q4_K_S", &Q4_K::info, 14},
    {"Q4_K_M", &Q4_K::info, 15},
    {"Q5_K_S", &Q5_K::info, 16},
    {"Q5_K_M", &Q5_K::info, 17},
    {"Q6_K", &Q6_K::info, 18},
    {"IQ4_NL", &IQ4_NL::info, 25},
    {"IQ4_XS", &IQ4_XS::info, 30},
    {"MXFP4", &MXFP4::info, 38},
    // One type and nothing else, to measure that type alone.
    {"Q3_K", &Q3_K::info, 11, true},
    {"Q4_K", &Q4_K::info, 14, true},
    {"Q5_K", &Q5_K::info, 16, true},
};

enum class Layers : std::uint8_t { all, first_2, first_4, first_16th, first_8th, more_bits };

bool chosen(Layers which, int layer, int layers) {
  const int eighth = layers / 8;
  switch (which) {
    case Layers::all:
      return true;
    case Layers::first_2:
      return layer < 2;
    case Layers::first_4:
      return layer < 4;
    case Layers::first_16th:
      return layer < layers / 16;
    case Layers::first_8th:
      return layer < eighth;
    // Both ends, where errors cost most, and every third layer between: half of them all.
    case Layers::more_bits:
      return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }
  return false;
}

/// A matrix that has another type than the base, as the field's quantizer decides without an importance
/// matrix.
struct Exception {
  std::string_view mix;
  MatrixRole role;
  Layers layers;
  const FormatInfo* type;
  int least_group = 1;  // query heads per kv head from which on it holds
};

// The first that fits counts.
constexpr Exception kExceptions[] = {
    {"Q2_K", MatrixRole::attn_v, Layers::all, &Q4_K::info, 4},
    {"Q2_K", MatrixRole::attn_v, Layers::all, &Q3_K::info},
    {"Q2_K", MatrixRole::attn_output, Layers::all, &Q3_K::info},
    {"Q2_K", MatrixRole::ffn_down, Layers::all, &Q3_K::info},
    {"Q3_K_M", MatrixRole::attn_v, Layers::first_2, &Q5_K::info},
    {"Q3_K_M", MatrixRole::attn_v, Layers::all, &Q4_K::info},
    {"Q3_K_M", MatrixRole::attn_output, Layers::all, &Q4_K::info},
    {"Q3_K_M", MatrixRole::ffn_down, Layers::first_16th, &Q5_K::info},
    {"Q3_K_M", MatrixRole::ffn_down, Layers::all, &Q4_K::info},
    {"Q3_K_L", MatrixRole::attn_v, Layers::all, &Q5_K::info},
    {"Q3_K_L", MatrixRole::attn_output, Layers::all, &Q5_K::info},
    {"Q3_K_L", MatrixRole::ffn_down, Layers::all, &Q5_K::info},
    {"Q4_K_S", MatrixRole::attn_v, Layers::first_4, &Q5_K::info},
    {"Q4_K_S", MatrixRole::ffn_down, Layers::first_8th, &Q5_K::info},
    {"Q4_K_M", MatrixRole::attn_v, Layers::more_bits, &Q6_K::info},
    {"Q4_K_M", MatrixRole::ffn_down, Layers::more_bits, &Q6_K::info},
    {"Q5_K_M", MatrixRole::attn_v, Layers::more_bits, &Q6_K::info},
    {"Q5_K_M", MatrixRole::ffn_down, Layers::more_bits, &Q6_K::info},
    {"IQ4_NL", MatrixRole::attn_v, Layers::all, &Q5_K::info, 4},
    {"IQ4_NL", MatrixRole::ffn_down, Layers::first_8th, &Q5_K::info},
    {"IQ4_XS", MatrixRole::attn_v, Layers::all, &Q5_K::info, 4},
    {"IQ4_XS", MatrixRole::ffn_down, Layers::first_8th, &Q5_K::info},
};

/// What takes the place of a type whose blocks of 256 do not fit the rows.
struct Fallback {
  const FormatInfo *type, *instead;
};
constexpr Fallback kFallbacks[] = {{&Q2_K::info, &Q4_0::info}, {&Q3_K::info, &Q4_0::info},
                                   {&Q4_K::info, &Q5_0::info}, {&Q5_K::info, &Q5_1::info},
                                   {&Q6_K::info, &Q8_0::info}, {&IQ4_XS::info, &IQ4_NL::info}};

const FormatInfo& wanted(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer) {
  if (role == MatrixRole::small) return F32::info;
  if (mix.pure) return *mix.base;
  const bool is_ffn = role == MatrixRole::ffn || role == MatrixRole::ffn_down;
  if (mix.base == &MXFP4::info) {
    // Experts alone have this type, and all else Q8_0; a model without experts is measured with all its
    // layers in it.
    const bool inside = role != MatrixRole::embedding && role != MatrixRole::head;
    return is_ffn || (shape.experts == 0 && inside) ? MXFP4::info : Q8_0::info;
  }
  if (role == MatrixRole::head || (role == MatrixRole::embedding && shape.tied))
    return is_float(mix.base->activation) || mix.base == &Q8_0::info ? *mix.base : Q6_K::info;
  for (const Exception& e : kExceptions) {
    if (e.mix == mix.name && e.role == role && chosen(e.layers, layer, shape.layers) &&
        shape.heads / shape.kv_heads >= e.least_group) {
      return *e.type;
    }
  }
  return *mix.base;
}

}  // namespace

std::span<const TypeMix> type_mixes() noexcept { return kMixes; }

const TypeMix* find_mix(std::string_view name) noexcept {
  const auto found = std::ranges::find(kMixes, name, &TypeMix::name);
  return found == std::end(kMixes) ? nullptr : &*found;
}

const FormatInfo& matrix_format(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer,
                                int cols) noexcept {
  const FormatInfo& type = wanted(mix, shape, role, layer);
  const auto fits = [&](const FormatInfo& t) { return cols % int(t.block_elements) == 0; };
  if (fits(type)) return type;
  const auto fallback = std::ranges::find(kFallbacks, &type, &Fallback::type);
  if (fallback != std::end(kFallbacks) && fits(*fallback->instead)) return *fallback->instead;
  return F16::info;
}

}  // namespace longhand::cli
