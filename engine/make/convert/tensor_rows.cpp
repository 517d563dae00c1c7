#include "engine/make/convert/tensor_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/make/convert/transposed_strips.h"
#include "ops/error.h"
#include "ops/half.h"

namespace longhand {
namespace {

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// 1 sign, 4 exponent and 3 mantissa bits, without infinities (OCP 8-bit floating point, E4M3).
float f8_e4m3_to_f32(std::uint8_t bits) {
  constexpr std::uint8_t kNan = 0x7F;
  const float sign = (bits & 0x80) != 0 ? -1.0f : 1.0f;
  const int magnitude = bits & 0x7F, exponent = magnitude >> 3, mantissa = magnitude & 7;
  if (magnitude == kNan) return std::bit_cast<float>(0x7FC00000u);
  if (exponent == 0) return sign * float(mantissa) * 0x1.0p-9f;
  return sign * std::bit_cast<float>(std::uint32_t(exponent - 7 + 127) << 23 | std::uint32_t(mantissa) << 20);
}

template <class T, float (*convert)(T)>
void decode(const std::byte* from, std::uint64_t count, float* out) {
  for (std::uint64_t i = 0; i < count; ++i) out[i] = convert(load<T>(from + i * sizeof(T)));
}

using Decode = void (*)(const std::byte* from, std::uint64_t count, float* out);
constexpr std::pair<StoredType, Decode> kDecoders[] = {
    {StoredType::f64, decode<double, [](double x) { return float(x); }>},
    {StoredType::f32, decode<float, [](float x) { return x; }>},
    {StoredType::f16, decode<std::uint16_t, [](std::uint16_t x) { return f16_to_f32(x); }>},
    {StoredType::bf16, decode<std::uint16_t, [](std::uint16_t x) { return bf16_to_f32(x); }>},
    {StoredType::f8_e4m3, decode<std::uint8_t, [](std::uint8_t x) { return f8_e4m3_to_f32(x); }>},
    {StoredType::f8_e5m2,
     decode<std::uint8_t, [](std::uint8_t x) { return f16_to_f32(std::uint16_t(x << 8)); }>}};

// Rows of the last matrix index.
std::uint64_t matrix_rows(const TensorRows& rows) {
  return rows.shape.size() < 2 ? 1 : rows.shape[rows.shape.size() - 2];
}

void check_places(const TensorRows& rows, const std::vector<std::uint64_t>& places, std::uint64_t count) {
  const bool empty = places.empty();
  if (!empty && std::ranges::max(places) < count) return;
  throw Error(Errc::shape,
              fmt::format("tensor '{}': [{}] does not have the parts that the numbers of config.json ask for",
                          rows.from.empty() ? "" : escape_controls(rows.from.front()->name, 200),
                          fmt::join(rows.shape, ", ")));
}

}  // namespace

std::uint64_t TensorRows::rows() const noexcept {
  std::uint64_t product = 1;  // the shape was checked against bytes that are there
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) product *= shape[i];
  return product;
}

TensorRows stored_rows(const StoredTensor& tensor) {
  const auto* found =
      std::ranges::find(kDecoders, tensor.type, [](const auto& entry) { return entry.first; });
  if (found == std::end(kDecoders)) {
    throw Error(Errc::unsupported,
                fmt::format("tensor '{}': its numbers are of type {}, must be fractions",
                            escape_controls(tensor.name, 200), stored_type_name(tensor.type)));
  }
  if (tensor.data.empty())
    throw Error(Errc::shape, fmt::format("tensor '{}': has no numbers", escape_controls(tensor.name, 200)));
  TensorRows rows;
  rows.shape = tensor.shape.empty() ? std::vector<std::uint64_t>{1} : tensor.shape;
  rows.from = {&tensor};
  const std::size_t bytes = stored_type_bytes(tensor.type);
  rows.read = [data = tensor.data.data(), decode = found->second, bytes, cols = rows.cols()](
                  std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) {
    decode(data + (row * cols + first) * bytes, count, out);
  };
  return rows;
}

TensorRows computed_rows(std::vector<float> values) {
  TensorRows rows;
  rows.shape = {values.size()};
  rows.read = [values = std::make_shared<std::vector<float>>(std::move(values))](
                  std::uint64_t, std::uint64_t first, std::uint64_t count, float* out) {
    std::copy_n(values->begin() + std::ptrdiff_t(first), count, out);
  };
  return rows;
}

TensorRows scaled_rows(TensorRows rows, TensorRows scales, std::uint64_t block_rows,
                       std::uint64_t block_cols) {
  const auto blocks = [](std::uint64_t size, std::uint64_t block) { return (size + block - 1) / block; };
  const std::uint64_t height = matrix_rows(rows), scale_height = blocks(height, block_rows);
  const std::uint64_t matrices = height == 0 ? 0 : rows.rows() / height;
  if (scales.cols() != blocks(rows.cols(), block_cols) || scales.rows() != matrices * scale_height) {
    throw Error(Errc::shape, fmt::format("tensor '{}': [{}] scales for [{}] numbers in blocks of {} x {}",
                                         rows.from.front()->name, fmt::join(scales.shape, ", "),
                                         fmt::join(rows.shape, ", "), block_rows, block_cols));
  }
  rows.from.insert(rows.from.end(), scales.from.begin(), scales.from.end());
  rows.read = [read = std::move(rows.read), scale = std::move(scales.read), height, scale_height, block_rows,
               block_cols](std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) {
    read(row, first, count, out);
    const std::uint64_t scale_row = row / height * scale_height + row % height / block_rows;
    for (std::uint64_t i = 0; i < count;) {
      const std::uint64_t block = (first + i) / block_cols;
      float factor = 0;
      scale(scale_row, block, 1, &factor);
      for (const std::uint64_t end = std::min(count, (block + 1) * block_cols - first); i < end; ++i)
        out[i] *= factor;
    }
  };
  return rows;
}

TensorRows stacked(std::vector<TensorRows> parts, const std::string& name) {
  TensorRows whole;
  whole.shape = {parts.size()};
  const std::vector<std::uint64_t> shape = parts.front().shape;
  whole.shape.insert(whole.shape.end(), shape.begin(), shape.end());
  for (const TensorRows& part : parts) {
    if (part.shape != shape) {
      throw Error(Errc::shape, fmt::format("{}: one part is [{}], another [{}]", name, fmt::join(shape, ", "),
                                           fmt::join(part.shape, ", ")));
    }
    whole.from.insert(whole.from.end(), part.from.begin(), part.from.end());
  }
  const std::uint64_t height = parts.front().rows();
  whole.read = [parts = std::make_shared<std::vector<TensorRows>>(std::move(parts)), height](
                   std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) {
    (*parts)[std::size_t(row / height)].read(row % height, first, count, out);
  };
  return whole;
}

TensorRows reshaped(TensorRows rows, std::vector<std::uint64_t> shape) {
  rows.shape = std::move(shape);
  return rows;
}

TensorRows with_outputs(TensorRows rows, std::vector<std::uint64_t> outputs) {
  if (rows.shape.size() == 1) return with_columns(std::move(rows), std::move(outputs));
  const std::uint64_t height = matrix_rows(rows), count = outputs.size();
  check_places(rows, outputs, height);
  rows.shape[rows.shape.size() - 2] = count;
  rows.read = [read = std::move(rows.read),
               outputs = std::make_shared<std::vector<std::uint64_t>>(std::move(outputs)), height,
               count](std::uint64_t row, std::uint64_t first, std::uint64_t n, float* out) {
    read(row / count * height + (*outputs)[std::size_t(row % count)], first, n, out);
  };
  return rows;
}

TensorRows with_columns(TensorRows rows, std::vector<std::uint64_t> columns) {
  check_places(rows, columns, rows.cols());
  rows.shape.back() = columns.size();
  rows.read = [read = std::move(rows.read),
               columns = std::make_shared<std::vector<std::uint64_t>>(std::move(columns))](
                  std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) {
    const auto column = [&](std::uint64_t i) { return (*columns)[std::size_t(first + i)]; };
    for (std::uint64_t i = 0; i < count;) {
      std::uint64_t run = 1;  // columns that stand beside each other are read together
      while (i + run < count && column(i + run) == column(i) + run) ++run;
      read(row, column(i), run, out + i);
      i += run;
    }
  };
  return rows;
}

TensorRows with_values(TensorRows rows, float (*change)(float)) {
  rows.read = [read = std::move(rows.read), change](std::uint64_t row, std::uint64_t first,
                                                    std::uint64_t count, float* out) {
    read(row, first, count, out);
    std::transform(out, out + count, out, change);
  };
  return rows;
}

TensorRows transposed(TensorRows rows) {
  const std::uint64_t height = matrix_rows(rows), width = rows.cols();
  if (rows.shape.size() < 2) return rows;
  std::swap(rows.shape.back(), rows.shape[rows.shape.size() - 2]);
  rows.read = [strips = std::make_shared<TransposedStrips>(std::move(rows.read), height, width)](
                  std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) {
    strips->read(row, first, count, out);
  };
  return rows;
}

std::vector<std::uint64_t> steps(std::uint64_t first, std::uint64_t count, std::uint64_t step) {
  std::vector<std::uint64_t> places(count);
  for (std::uint64_t i = 0; i < count; ++i) places[std::size_t(i)] = first + i * step;
  return places;
}

std::uint64_t output_count(const TensorRows& rows) {
  return rows.shape.size() == 1 ? rows.shape.front() : rows.shape[rows.shape.size() - 2];
}

}  // namespace longhand
