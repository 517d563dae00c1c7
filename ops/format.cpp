#include "ops/format.h"

namespace longhand {
namespace {

using DecodeFn = void (*)(const std::byte*, std::int64_t, float*);

template <class F>
void decode(const std::byte* src, std::int64_t blocks, float* dst) {
  [[maybe_unused]] float scale = 1;
  if constexpr (F::info.row_head > 0) {
    static_assert(F::info.row_head == sizeof scale);
    __builtin_memcpy(&scale, src, sizeof scale);
    src += sizeof scale;
  }
  for (std::int64_t i = 0; i < blocks; ++i) {
    // Blocks in a file are aligned to 2 bytes at best, and some have odd sizes.
    typename F::Block block;
    static_assert(sizeof block == F::info.block_bytes);
    __builtin_memcpy(&block, src + i * std::int64_t{F::info.block_bytes}, sizeof block);
    float* const y = dst + i * std::int64_t{F::info.block_elements};
    if constexpr (F::info.row_head > 0) {
      F::decode(&block, scale, y);
    } else {
      F::decode(&block, y);
    }
  }
}

constexpr auto kInfos = Formats::map([]<class F>() -> const FormatInfo* { return &F::info; });
constexpr auto kDecoders = Formats::map([]<class F>() -> DecodeFn { return decode<F>; });

}  // namespace

const FormatInfo& format_info(FormatId id) noexcept { return *kInfos.items[id]; }

int find_format(std::uint32_t gguf_type) noexcept {
  for (int i = 0; i < kFormatCount; ++i) {
    if (kInfos.items[i]->gguf == gguf_type) return i;
  }
  return -1;
}

std::size_t row_bytes(FormatId id, std::int64_t cols) noexcept {
  const FormatInfo& info = format_info(id);
  return info.row_head + std::size_t(cols) / info.block_elements * info.block_bytes;
}

void decode_blocks(FormatId id, const std::byte* src, std::int64_t blocks, float* dst) noexcept {
  kDecoders.items[id](src, blocks, dst);
}

void decode_rows(FormatId id, const std::byte* src, std::int64_t rows, std::int64_t cols,
                 float* dst) noexcept {
  const std::size_t stride = row_bytes(id, cols);
  const std::int64_t blocks = cols / std::int64_t{format_info(id).block_elements};
  for (std::int64_t row = 0; row < rows; ++row)
    decode_blocks(id, src + std::size_t(row) * stride, blocks, dst + row * cols);
}

}  // namespace longhand
