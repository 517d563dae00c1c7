// What a format adds to be written: Encoder<Format>, which makes one block. And the loop over a row of
// blocks.
#pragma once

#include <cstring>

#include "ops/encode/encoders.h"
#include "ops/format.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// encode(src, importance, block): a block of src, Fm::info.block_elements weights; importance is as long, or
/// null.
template <class Fm>
struct Encoder;

template <class Fm>
void encode_row(const float* src, std::int64_t cols, const float* importance, std::byte* dst) noexcept {
  constexpr std::int64_t kElements = Fm::info.block_elements;
  for (std::int64_t i = 0; i < cols; i += kElements, dst += Fm::info.block_bytes) {
    typename Fm::Block block{};
    Encoder<Fm>::encode(src + i, importance == nullptr ? nullptr : importance + i, block);
    std::memcpy(dst, &block, sizeof block);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
