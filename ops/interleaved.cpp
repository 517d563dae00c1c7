#include "ops/interleaved.h"

#include "ops/formats/interleaved/grids.h"
#include "ops/formats/interleaved/quants.h"

namespace longhand {
namespace {

/// What is known of an interleaved type; no rows: there is none.
struct Group {
  std::uint32_t gguf = 0;
  unsigned rows = 0, head = 0, block_bytes = 0;  // head and block: of one row
  void (*row)(const std::uint8_t* src, unsigned k, std::uint8_t* dst) = nullptr;
};

template <class F>
concept HasGroup = requires {
  sizeof(Interleaved<F>);
};
template <class F>
concept HasHeadOfItsOwn = requires {
  Interleaved<F>::kHead;
};

constexpr auto kGroups = Formats::map([]<class F>() -> Group {
  if constexpr (HasHeadOfItsOwn<F>) {
    using G = Interleaved<F>;
    return {G::kGguf, G::kRows, G::kHead, G::kBlockBytes, G::row};
  } else if constexpr (HasGroup<F>) {
    using G = Interleaved<F>;
    return {G::kGguf, G::kRows, F::info.row_head, F::info.block_bytes, G::row};
  } else {
    return {};
  }
});

const std::uint8_t* group_of(const MatView& m, std::int32_t row) {
  const Group& g = kGroups.items[m.format];
  const auto first = std::size_t(row) / g.rows * g.rows;
  return reinterpret_cast<const std::uint8_t*>(m.data) + first * stored_row_bytes(m);
}

}  // namespace

int find_interleaved(std::uint32_t gguf_type) noexcept {
  for (int i = 0; i < kFormatCount; ++i) {
    if (kGroups.items[i].rows > 0 && kGroups.items[i].gguf == gguf_type) return i;
  }
  return -1;
}

int interleaved_rows(FormatId id) noexcept { return int(kGroups.items[id].rows); }

std::size_t interleaved_row_bytes(FormatId id, std::int64_t cols) noexcept {
  const Group& g = kGroups.items[id];
  return g.head + std::size_t(cols) / format_info(id).block_elements * g.block_bytes;
}

std::size_t stored_row_bytes(const MatView& m) noexcept {
  return m.layout == Layout::interleaved ? interleaved_row_bytes(m.format, m.cols)
                                         : row_bytes(m.format, m.cols);
}

void take_head(const MatView& m, std::int32_t row, std::byte* to) noexcept {
  const Group& g = kGroups.items[m.format];
  const std::size_t bytes = format_info(m.format).row_head;
  std::memcpy(to, group_of(m, row) + std::size_t(row) % g.rows * bytes, bytes);
}

void take_block(const MatView& m, std::int32_t row, std::int64_t block, std::byte* to) noexcept {
  const Group& g = kGroups.items[m.format];
  const auto k = unsigned(row) % g.rows;
  auto* const dst = reinterpret_cast<std::uint8_t*>(to);
  const std::uint8_t* const group = group_of(m, row);
  std::memset(dst, 0, format_info(m.format).block_bytes);
  // A head that a row of its own does not have is that of each block.
  if (g.head > format_info(m.format).row_head) std::memcpy(dst, group + k * g.head, g.head);
  g.row(group + g.rows * (g.head + std::size_t(block) * g.block_bytes), k, dst);
}

}  // namespace longhand
