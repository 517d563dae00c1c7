// Kernels of every instruction set this machine runs, on any bytes as weights, against sums in double
// precision. Input: format, rows, blocks a row, tokens, scale of activations; then bytes of weights,
// repeated.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/format.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/matrix_product.h"
#include "tests/support/random_weights.h"

namespace longhand::fuzz {
namespace {

struct Shape {
  FormatId format;
  int rows, cols, tokens;
};

// Weights as numbers, and how large their parts may be: where scale x code and offset cancel, what is lost is
// small beside them, not beside the weight. The codes' complement shows it.
struct Row {
  std::vector<float> weights, sizes;
  bool finite = true;
};

Row decode(const Shape& s, const std::vector<std::byte>& bytes, int row) {
  const std::size_t size = row_bytes(s.format, s.cols);
  std::vector<std::byte> complement(bytes.begin() + long(size) * row, bytes.begin() + long(size) * (row + 1));
  const FormatInfo& info = format_info(s.format);
  test::for_each_block(s.format, s.cols, size, [&](std::size_t block) {
    for (int f = 0; f < info.n_fields; ++f) {
      for (int o = 0; info.fields[f].unit == 4 && o < info.fields[f].bytes; ++o)
        complement[block + info.fields[f].offset + std::size_t(o)] ^= std::byte{0xFF};
    }
  });
  Row out{std::vector<float>(std::size_t(s.cols)), std::vector<float>(std::size_t(s.cols))};
  decode_row({s.format, Layout::rows, s.rows, s.cols, bytes.data()}, row, out.weights.data());
  if (!is_float(info.activation))
    decode_row({s.format, Layout::rows, 1, s.cols, complement.data()}, 0, out.sizes.data());
  for (std::size_t c = 0; c < out.weights.size(); ++c) {
    out.finite &= std::isfinite(out.weights[c]);
    out.sizes[c] = std::fmax(std::fabs(out.sizes[c]), std::fabs(out.weights[c]));
  }
  return out;
}

void check_products(const Kernels& kernels, const Shape& s, const std::vector<std::byte>& weights,
                    const std::vector<float>& values) {
  const test::RoundedActivations x(kernels, s.format, s.tokens, values);
  for (std::size_t i = 0; i < values.size() && !x.q8.empty(); ++i) {
    check(std::fabs(x.at(i) - double(values[i])) <= 0.5001 * x.step(i),
          "rounding changes a value by half a step");
  }
  const MatView view{s.format, Layout::rows, s.rows, s.cols, weights.data()};
  const std::vector<float> out = test::product_of(kernels, view, x.view(), s.tokens);
  for (int r = 0; r < s.rows; ++r) {
    const Row row = decode(s, weights, r);
    for (int t = 0; t < s.tokens; ++t) {
      double want = 0, size = 0;
      for (std::size_t c = 0; c < row.weights.size(); ++c) {
        const double value = x.at(std::size_t(t * s.cols) + c);
        want += double(row.weights[c]) * value;
        size += double(row.sizes[c]) * std::fabs(value);
      }
      const float got = out[std::size_t(t * s.rows + r)];
      if (!row.finite && format_info(s.format).fields[0].unit == 1)
        continue;  // MXFP4: a weight beyond floats
      if (!row.finite) {
        check(!std::isfinite(got), "weights that are no numbers give no number");
      } else if (size < 1e36) {
        check(std::fabs(double(got) - want) <= 3e-5 * size + 1e-30, "a product is the sum of its terms");
      }
    }
  }
}

void check_softmax(const Kernels& kernels, const std::vector<float>& values) {
  test::Guarded<float> x(values.begin(), values.end());
  double sum = 0;
  kernels.softmax(x.data(), std::int32_t(x.size()));
  for (const float p : x) {
    check(p >= 0 && p <= 1.0001f, "probabilities are 0..1");
    sum += double(p);
  }
  check(std::fabs(sum - 1) < 1e-3, "probabilities sum to 1");
}

std::vector<float> draw_activations(const Shape& s, unsigned exponent, std::uint64_t seed) {
  std::vector<float> values(std::size_t(s.tokens * s.cols));
  for (float& value : values) {
    seed = seed % 2147483647 * 48271 % 2147483647;
    value = std::ldexp(float(double(seed) / 1073741823.5 - 1), int(exponent % 24) - 12);
  }
  return values;
}

}  // namespace

void run(std::string_view input) {
  Input in(input);
  Shape s{};
  s.format = FormatId(in.number() % kFormatCount);
  s.rows = in.number() % 35 + 1;
  const int unit = std::max(int(format_info(s.format).block_elements), 32);
  s.cols = unit * (in.number() % 4 + 1);
  s.tokens = in.number() % 30 + 1;
  const unsigned exponent = in.number();
  if (in.empty()) return;
  std::vector<std::byte> weights(row_bytes(s.format, s.cols) * std::size_t(s.rows));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::byte(in.rest()[i % in.rest().size()]);
  const std::vector<float> values = draw_activations(s, exponent, hash(input));
  for (const Kernels* kernels : available_kernels()) {
    check_products(*kernels, s, weights, values);
    check_softmax(*kernels, values);
  }
}

}  // namespace longhand::fuzz
