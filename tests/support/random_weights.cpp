#include "tests/support/random_weights.h"

#include <string>

#include "ops/panels.h"

namespace longhand::test {

std::vector<std::byte> random_weights(FormatId format, int rows, int cols, std::mt19937& random) {
  std::vector<std::byte> bytes(row_bytes(format, cols) * std::size_t(rows));
  const FormatInfo& info = format_info(format);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(random() & 0xFF);
  for (std::size_t block = 0; block < bytes.size(); block += info.block_bytes) {
    for (int f = 0; f < info.n_fields; ++f) {
      const Field& field = info.fields[f];
      for (int o = field.offset; o < field.offset + field.bytes; o += field.unit) {
        if (field.unit == 1)
          bytes[block + std::size_t(o)] = std::byte(120 + random() % 12);  // E8M0 exponents
        // The high byte of a half or bfloat16: exponents near 1. IQ4_XS keeps bits of scales in its second
        // unit.
        if (field.unit == 2 && !(info.name == std::string("IQ4_XS") && o == 2)) {
          bytes[block + std::size_t(o) + 1] = std::byte((random() & 0x80) | (0x34 + random() % 8));
        }
        if (format == kFormatF32) bytes[block + 3] = std::byte((random() & 0x80) | 0x3E);
      }
    }
  }
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
