#include "tests/support/random_weights.h"

#include <cstring>
#include <string_view>

#include "ops/panels.h"

namespace longhand::test {
namespace {

// Whether two bytes at `offset` of a block are a half. IQ4_XS and the types of ik_llama.cpp keep other bits
// in units of two bytes too.
bool is_half(std::string_view name, int offset) {
  if (name == "IQ4_XS" || (name.starts_with("IQ") && name.ends_with("_K"))) return offset == 0;
  return true;
}

}  // namespace

std::vector<std::byte> random_weights(FormatId format, int rows, int cols, std::mt19937& random) {
  std::vector<std::byte> bytes(row_bytes(format, cols) * std::size_t(rows));
  const FormatInfo& info = format_info(format);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(random() & 0xFF);
  const std::size_t row = row_bytes(format, cols);
  for (std::size_t head = 0; info.row_head > 0 && head < bytes.size(); head += row) {
    const float scale = 0.001f * float(1 + random() % 8) * (random() % 2 == 0 ? -1.0f : 1.0f);
    std::memcpy(bytes.data() + head, &scale, sizeof scale);
  }
  for_each_block(format, cols, bytes.size(), [&](std::size_t block) {
    for (int f = 0; f < info.n_fields; ++f) {
      const Field& field = info.fields[f];
      for (int o = field.offset; o < field.offset + field.bytes; o += field.unit) {
        if (field.unit == 1)
          bytes[block + std::size_t(o)] = std::byte(120 + random() % 12);  // E8M0 exponents
        // The high byte of a half or bfloat16: exponents near 1.
        if (field.unit == 2 && is_half(info.name, o)) {
          bytes[block + std::size_t(o) + 1] = std::byte((random() & 0x80) | (0x34 + random() % 8));
        }
        if (format == kFormatF32) bytes[block + 3] = std::byte((random() & 0x80) | 0x3E);
      }
    }
  });
  return bytes;
}

std::vector<float> decoded(FormatId format, int rows, int cols, const std::vector<std::byte>& weights) {
  std::vector<float> w(std::size_t(rows) * std::size_t(cols));
  for (int r = 0; r < rows; ++r)
    decode_row({format, Layout::rows, rows, cols, weights.data()}, r,
               w.data() + std::size_t(r) * std::size_t(cols));
  return w;
}

}  // namespace longhand::test
