// The list of tensor formats, and what can be asked of a format by its id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "ops/format_info.h"
#include "ops/formats/bf16.h"
#include "ops/formats/f16.h"
#include "ops/formats/f32.h"
#include "ops/formats/grids/iq1_m.h"
#include "ops/formats/grids/iq1_s.h"
#include "ops/formats/grids/iq2_s.h"
#include "ops/formats/grids/iq2_xs.h"
#include "ops/formats/grids/iq2_xxs.h"
#include "ops/formats/grids/iq3_s.h"
#include "ops/formats/grids/iq3_xxs.h"
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iq4_xs.h"
#include "ops/formats/iqk/iq2_k.h"
#include "ops/formats/iqk/iq2_kt.h"
#include "ops/formats/iqk/iq3_k.h"
#include "ops/formats/iqk/iq3_kt.h"
#include "ops/formats/iqk/iq4_k.h"
#include "ops/formats/iqk/iq4_ks.h"
#include "ops/formats/iqk/iq4_kss.h"
#include "ops/formats/iqk/iq4_kt.h"
#include "ops/formats/iqk/iq5_k.h"
#include "ops/formats/iqk/iq5_ks.h"
#include "ops/formats/iqk/iq6_k.h"
#include "ops/formats/mxfp4.h"
#include "ops/formats/nvfp4.h"
#include "ops/formats/q1_0.h"
#include "ops/formats/q2_0.h"
#include "ops/formats/q2_k.h"
#include "ops/formats/q3_k.h"
#include "ops/formats/q4_0.h"
#include "ops/formats/q4_1.h"
#include "ops/formats/q4_k.h"
#include "ops/formats/q5_0.h"
#include "ops/formats/q5_1.h"
#include "ops/formats/q5_k.h"
#include "ops/formats/q6_k.h"
#include "ops/formats/q8_0.h"
#include "ops/formats/tq1_0.h"
#include "ops/formats/tq2_0.h"

namespace longhand {

/// One T per format.
template <class T, std::size_t n>
struct PerFormat {
  T items[n];
};

template <class... Fs>
struct FormatList {
  static constexpr int count = sizeof...(Fs);
  /// f.operator()<Format>() of every format, indexed by FormatId.
  template <class Function>
  static constexpr auto map(Function f) {
    using T = decltype(f.template operator()<F32>());
    return PerFormat<T, sizeof...(Fs)>{{f.template operator()<Fs>()...}};
  }
};

/// Adding a tensor format: its header above, its name here.
using Formats =
    FormatList<F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS,
               MXFP4, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, TQ1_0, TQ2_0, Q1_0, Q2_0, NVFP4,
               IQ2_K, IQ3_K, IQ4_K, IQ5_K, IQ6_K, IQ4_KS, IQ4_KSS, IQ5_KS, IQ2_KT, IQ3_KT, IQ4_KT>;

/// Position of a format in Formats.
using FormatId = std::uint8_t;
inline constexpr int kFormatCount = Formats::count;
inline constexpr FormatId kFormatF32 = 0;

const FormatInfo& format_info(FormatId id) noexcept;
/// The format of a GGUF tensor type, or -1 when this build has none.
int find_format(std::uint32_t gguf_type) noexcept;
/// Bytes of a row of `cols` weights with its head; cols must be whole blocks.
std::size_t row_bytes(FormatId id, std::int64_t cols) noexcept;
/// Decodes a row of `blocks` blocks, which has a head where the format's rows have one: the definition every
/// kernel is tested against.
void decode_blocks(FormatId id, const std::byte* src, std::int64_t blocks, float* dst) noexcept;
/// Decodes `rows` rows of `cols` weights, which are whole blocks, one after the other.
void decode_rows(FormatId id, const std::byte* src, std::int64_t rows, std::int64_t cols,
                 float* dst) noexcept;

}  // namespace longhand
