#include "engine/make/quantize/tensor_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/make/failure.h"
#include "ops/encode/encode.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

// Weights of a block of rows, which one thread encodes at once.
constexpr std::uint64_t kPieceWeights = 1 << 19;

std::uint64_t rows_of(const TensorInfo& t) { return t.dims[1] * t.dims[2] * t.dims[3]; }

std::uint64_t rows_at_once(const TensorInfo& t) {
  return std::clamp<std::uint64_t>(kPieceWeights / t.dims[0], 1, rows_of(t));
}

// Decodes without a look at the values.
void decode(const Gguf& file, const TensorInfo& t, std::uint64_t first, std::uint64_t count,
            std::span<float> to) {
  const auto format = FormatId(find_format(t.type_id));
  const auto cols = std::int64_t(t.dims[0]);
  const std::size_t row = row_bytes(format, cols);
  const auto bytes = t.data.subspan(first * row, count * row);
  decode_rows(format, bytes.data(), std::int64_t(count), cols, to.data());
  file.release(bytes);
}

// The first value that is no number.
std::optional<std::size_t> find_nonfinite(std::span<const float> values) {
  const auto found = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
  if (found == values.end()) return {};
  return std::size_t(found - values.begin());
}

// Types that hold whole numbers alone.
bool is_whole(std::uint32_t type_id) {
  constexpr std::string_view kTypes[] = {"I8", "I16", "I32", "I64"};
  return std::ranges::find(kTypes, known_tensor_type(type_id)->name) != std::end(kTypes);
}

// Nothing can be said of these.
void refuse_unreadable(const Gguf& file) {
  for (const TensorInfo& t : file.tensors()) {
    if (find_format(t.type_id) >= 0 || is_whole(t.type_id)) continue;
    throw Error(Errc::unsupported,
                fmt::format("{}: tensor '{}' cannot be checked: its type {} cannot be read", file.name(),
                            t.name, known_tensor_type(t.type_id)->name));
  }
}

[[noreturn]] void refuse(const Gguf& file, const TensorInfo& t, std::uint64_t at, float value,
                         std::string_view more = "") {
  throw Error(Errc::nonfinite, fmt::format("{}: tensor '{}' holds {} in row {}, column {}{}", file.name(),
                                           t.name, value, at / t.dims[0], at % t.dims[0], more));
}

/// What one thread encodes.
struct Piece {
  std::vector<float> weights;
  std::vector<std::byte> bytes;
};

/// Encodes blocks of rows of one tensor.
class RowEncoder {
 public:
  RowEncoder(const Gguf& file, const PlannedTensor& t)
      : file_(file), t_(t), format_(FormatId(find_format(t.type))), cols_(std::int64_t(t.cols())) {
    if (t.importance != nullptr) importance_ = t.importance->means(t.cols(), t.matrices());
  }

  std::size_t row() const noexcept { return row_bytes(format_, cols_); }
  /// Rows [first, first + count), each matrix with its own importance.
  void encode(std::uint64_t first, std::uint64_t count, Piece& piece) const {
    const auto cols = std::size_t(cols_);
    piece.weights.resize(count * cols);
    piece.bytes.resize(count * row());
    decode_rows(file_, *t_.tensor, first, count, piece.weights);
    const std::uint64_t per_matrix = t_.rows() / t_.matrices();
    for (std::uint64_t done = 0; done < count;) {
      const std::uint64_t at = first + done, matrix = at / per_matrix;
      const std::uint64_t rows = std::min(count - done, (matrix + 1) * per_matrix - at);
      std::span<const float> importance(importance_);
      if (!importance.empty()) importance = importance.subspan(matrix * cols, cols);
      encode_rows(format_, piece.weights.data() + done * cols, std::int64_t(rows), cols_, importance,
                  piece.bytes.data() + done * row());
      done += rows;
    }
  }

 private:
  const Gguf& file_;
  const PlannedTensor& t_;
  FormatId format_;
  std::int64_t cols_;
  std::vector<float> importance_;  // (matrices, cols), or empty
};

}  // namespace

void decode_rows(const Gguf& file, const TensorInfo& t, std::uint64_t first, std::uint64_t count,
                 std::span<float> to) {
  decode(file, t, first, count, to);
  if (const auto at = find_nonfinite(to)) refuse(file, t, first * t.dims[0] + *at, to[*at]);
}

void encode_tensor(const Gguf& file, const PlannedTensor& t, int threads, const EncodedRows& take) {
  const RowEncoder encoder(file, t);
  const std::uint64_t rows = t.rows(), at_once = rows_at_once(*t.tensor);
  const auto pieces = std::int64_t((rows + at_once - 1) / at_once);
  Failure failure;
#pragma omp parallel num_threads(threads)
  {
    Piece piece;
#pragma omp for ordered schedule(dynamic, 1)
    for (std::int64_t i = 0; i < pieces; ++i) {
      const std::uint64_t first = std::uint64_t(i) * at_once, count = std::min(at_once, rows - first);
      failure.guard([&] { encoder.encode(first, count, piece); });
#pragma omp ordered
      failure.guard([&] { take(first, count, piece.bytes); });
    }
  }
  failure.rethrow();
}

void write_tensor(const Gguf& file, const PlannedTensor& t, int threads, GgufOutput& out,
                  const BytesRead& read) {
  if (!t.changes()) return copy_data(file, *t.tensor, out, read);
  const std::size_t source_row = t.tensor->data.size() / t.rows();
  encode_tensor(file, t, threads, [&](std::uint64_t, std::uint64_t count, std::span<const std::byte> rows) {
    out.write(rows);
    read(count * source_row);
  });
}

void check_finite(const Gguf& file, int threads, const BytesRead& read) {
  struct Found {
    const TensorInfo* tensor;
    std::uint64_t at;
    float value;
  };
  std::vector<Found> found;
  refuse_unreadable(file);
  for (const TensorInfo& t : file.tensors()) {
    if (find_format(t.type_id) < 0) {  // whole numbers
      read(t.data.size());
      continue;
    }
    const std::uint64_t rows = rows_of(t), at_once = rows_at_once(t);
    const auto pieces = std::int64_t((rows + at_once - 1) / at_once);
    std::optional<Found> first;
    Failure failure;
#pragma omp parallel num_threads(threads)
    {
      std::vector<float> weights;
#pragma omp for ordered schedule(dynamic, 1)
      for (std::int64_t i = 0; i < pieces; ++i) {
        const std::uint64_t row = std::uint64_t(i) * at_once, count = std::min(at_once, rows - row);
        failure.guard([&] {
          weights.resize(count * t.dims[0]);
          decode(file, t, row, count, weights);
        });
#pragma omp ordered
        failure.guard([&] {
          const auto at = find_nonfinite(weights);
          if (at && !first) first = Found{&t, row * t.dims[0] + *at, weights[*at]};
          read(t.data.size() / rows * count);
        });
      }
    }
    failure.rethrow();
    if (first) found.push_back(*first);
  }
  if (found.empty()) return;
  refuse(file, *found[0].tensor, found[0].at, found[0].value,
         found.size() == 1 ? "" : fmt::format("; {} tensors hold such values", found.size()));
}

}  // namespace longhand
