// What tells two models apart.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "engine/longhand_edit.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool same_entry(const MetaEntry& a, const MetaEntry& b) {
  return a.type == b.type && a.element == b.element && a.count == b.count && same_bytes(a.data, b.data);
}

std::string type_name(const TensorInfo& tensor) {
  return std::string(known_tensor_type(tensor.type_id)->name);
}

std::vector<std::uint64_t> dims_of(const TensorInfo& tensor) {
  return {tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims};
}

TensorDifference only_in(Side side, const TensorInfo& tensor) {
  TensorDifference difference;
  difference.name = tensor.name;
  difference.side = side;
  const bool first = side == Side::first;
  (first ? difference.first_type : difference.second_type) = type_name(tensor);
  (first ? difference.first_dims : difference.second_dims) = dims_of(tensor);
  return difference;
}

/// Sums over a part of a tensor.
struct ErrorSums {
  double squares = 0, errors = 0, largest = 0;
  ErrorHistogram histogram = {};

  void add(const ErrorSums& part) {
    squares += part.squares;
    errors += part.errors;
    largest = std::max(largest, part.largest);
    histogram.add(part.histogram);
  }
  double relative() const {
    if (errors == 0) return 0;
    return squares > 0 ? std::sqrt(errors / squares) : std::numeric_limits<double>::infinity();
  }
};

// Elements of the whole rows of a part, of which there is at least one.
constexpr std::int64_t kPart = std::int64_t{1} << 14;

/// Decodes parts of two tensors of one shape.
class Comparison {
 public:
  Comparison(const TensorInfo& a, const TensorInfo& b)
      : a_(a),
        b_(b),
        cols_(std::int64_t(a.dims[0])),
        rows_(std::int64_t(a.dims[1] * a.dims[2] * a.dims[3])),
        rows_of_part_(std::max<std::int64_t>(1, kPart / cols_)) {}

  bool possible() const { return find_format(a_.type_id) >= 0 && find_format(b_.type_id) >= 0; }
  std::int64_t parts() const { return (rows_ + rows_of_part_ - 1) / rows_of_part_; }
  std::int64_t elements_of_part() const { return rows_of_part_ * cols_; }

  ErrorSums part(std::int64_t no, float* first, float* second) const noexcept {
    const std::int64_t rows = std::min(rows_of_part_, rows_ - no * rows_of_part_);
    decode(a_, no, rows, first);
    decode(b_, no, rows, second);
    ErrorSums sums;
    for (std::int64_t i = 0; i < rows * cols_; ++i) {
      if (!std::isfinite(first[i]) || !std::isfinite(second[i])) {
        const bool same = first[i] == second[i] || (std::isnan(first[i]) && std::isnan(second[i]));
        if (!same) sums.errors = sums.largest = std::numeric_limits<double>::infinity();
        continue;
      }
      const double error = double(second[i]) - double(first[i]);
      sums.squares += double(first[i]) * double(first[i]);
      sums.errors += error * error;
      sums.largest = std::max(sums.largest, std::abs(error));
    }
    const double usual = std::sqrt(sums.squares / double(rows * cols_));
    for (std::int64_t i = 0; i < rows * cols_; ++i) {
      const bool same = first[i] == second[i] || (std::isnan(first[i]) && std::isnan(second[i]));
      sums.histogram.add(same ? 0 : std::abs(double(second[i]) - double(first[i])) / usual);
    }
    return sums;
  }

 private:
  void decode(const TensorInfo& tensor, std::int64_t no, std::int64_t rows, float* to) const noexcept {
    const auto format = FormatId(find_format(tensor.type_id));
    decode_rows(format, tensor.data.data() + std::size_t(no * rows_of_part_) * row_bytes(format, cols_), rows,
                cols_, to);
  }

  const TensorInfo& a_;
  const TensorInfo& b_;
  std::int64_t cols_, rows_, rows_of_part_;
};

// Parts are added in their order, so that the sums do not depend on the threads.
ErrorSums compare(const Comparison& comparison) {
  const std::int64_t parts = comparison.parts(), elements = comparison.elements_of_part();
  std::vector<ErrorSums> sums(std::size_t(parts), ErrorSums{});
  std::vector<float> room(2 * std::size_t(elements) * std::size_t(omp_get_max_threads()));
#pragma omp parallel for schedule(dynamic, 8)
  for (std::int64_t no = 0; no < parts; ++no) {
    float* const own = room.data() + 2 * elements * omp_get_thread_num();
    sums[std::size_t(no)] = comparison.part(no, own, own + elements);
  }
  ErrorSums all;
  for (const ErrorSums& part : sums) all.add(part);
  return all;
}

TensorDifference difference_of(const TensorInfo& a, const TensorInfo& b, ErrorSums& all) {
  TensorDifference difference{std::string(a.name), Side::both, type_name(a),
                              type_name(b),        dims_of(a), dims_of(b)};
  const Comparison comparison(a, b);
  if (a.dims != b.dims || !comparison.possible()) return difference;
  const ErrorSums sums = compare(comparison);
  difference.compared = true;
  difference.largest_error = sums.largest;
  difference.relative_error = sums.relative();
  difference.histogram = sums.histogram;
  all.add(sums);
  return difference;
}

void diff_metadata(const Gguf& a, const Gguf& b, ModelDifferences& found) {
  for (const MetaEntry& entry : a.metadata()) {
    const MetaEntry* other = b.find(entry.key);
    if (other != nullptr && same_entry(entry, *other)) {
      ++found.equal_keys;
    } else {
      found.keys.push_back({std::string(entry.key), other == nullptr ? Side::first : Side::both});
    }
  }
  for (const MetaEntry& entry : b.metadata()) {
    if (a.find(entry.key) == nullptr) found.keys.push_back({std::string(entry.key), Side::second});
  }
}

}  // namespace

std::uint64_t ErrorHistogram::total() const noexcept {
  return std::accumulate(counts.begin(), counts.end(), equal);
}

// What is no number counts as the largest error.
void ErrorHistogram::add(double error) noexcept {
  if (error == 0) {
    ++equal;
    return;
  }
  std::size_t at = 0;
  while (at < kEnds.size() && !(error <= kEnds[at])) ++at;
  ++counts[at];
}

void ErrorHistogram::add(const ErrorHistogram& other) noexcept {
  equal += other.equal;
  std::ranges::transform(counts, other.counts, counts.begin(), std::plus());
}

ModelDifferences diff_models(const std::string& first, const std::string& second, const Progress& progress) {
  const Gguf a = Gguf::open(first), b = Gguf::open(second);
  ModelDifferences found;
  diff_metadata(a, b, found);
  const double total = double(std::max<std::uint64_t>(1, tensor_bytes(a)));
  std::uint64_t done = 0;
  ErrorSums all;
  for (const TensorInfo& tensor : a.tensors()) {
    const TensorInfo* other = b.find_tensor(tensor.name);
    if (other == nullptr) {
      found.tensors.push_back(only_in(Side::first, tensor));
    } else if (tensor.type_id == other->type_id && tensor.dims == other->dims &&
               same_bytes(tensor.data, other->data)) {
      ++found.equal_tensors;
      all.histogram.equal += tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
    } else {
      found.tensors.push_back(difference_of(tensor, *other, all));
    }
    a.release(tensor.data);
    if (other != nullptr) b.release(other->data);
    done += tensor.data.size();
    if (progress && !progress(float(double(done) / total)))
      throw Error(Errc::cancelled, "comparing the models was cancelled");
  }
  for (const TensorInfo& tensor : b.tensors()) {
    if (a.find_tensor(tensor.name) == nullptr) found.tensors.push_back(only_in(Side::second, tensor));
  }
  found.relative_error = all.relative();
  found.histogram = all.histogram;
  return found;
}

}  // namespace longhand
