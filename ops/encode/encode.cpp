#include "ops/encode/encode.h"

#include <type_traits>
#include <vector>

#include "ops/encode/encoders.h"

namespace longhand {
namespace {

template <class F, class... Fs>
constexpr bool kIsOneOf = (std::is_same_v<F, Fs> || ...);

constexpr auto kNeedsImportance =
    Formats::map([]<class F>() -> bool { return kIsOneOf<F, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS>; });

// All of them write the same bytes, so the best one is as good as any.
EncodeFn encoder(FormatId id) noexcept { return available_encoders().front()->encode[id]; }

}  // namespace

bool can_encode(FormatId id) noexcept { return encoder(id) != nullptr; }

bool needs_importance(FormatId id) noexcept { return kNeedsImportance.items[id]; }

void encode_rows(FormatId id, const float* src, std::int64_t rows, std::int64_t cols,
                 std::span<const float> importance, std::byte* dst) noexcept {
  const EncodeFn encode = encoder(id);
  const float* weight = importance.empty() ? nullptr : importance.data();
  const auto bytes = std::int64_t(row_bytes(id, cols));
  for (std::int64_t row = 0; row < rows; ++row) encode(src + row * cols, cols, weight, dst + row * bytes);
}

double encode_error(FormatId id, const float* src, std::int64_t rows, std::int64_t cols,
                    std::span<const float> importance, const std::byte* encoded) {
  std::vector<float> decoded;
  decoded.resize(std::size_t(cols));
  const auto bytes = std::int64_t(row_bytes(id, cols));
  double sum = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    decode_blocks(id, encoded + row * bytes, cols / format_info(id).block_elements, decoded.data());
    for (std::int64_t i = 0; i < cols; ++i) {
      const auto at = std::size_t(i);
      const double error = double{decoded[at]} - double{src[row * cols + i]};
      sum += error * error * (importance.empty() ? 1.0 : double{importance[at]});
    }
  }
  return sum;
}

}  // namespace longhand
