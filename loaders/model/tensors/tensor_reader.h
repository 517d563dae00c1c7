// Takes tensors of a file by name, checks their shapes, and remembers which were taken.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/model/weights.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {

class TensorReader {
 public:
  /// Decoded floats, bytes and parameters are added to `weights`.
  TensorReader(const Gguf& file, Weights& weights) : file_(file), weights_(weights) {}

  /// nullptr when absent.
  const TensorInfo* find(const std::string& name);
  bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }
  [[noreturn]] void refuse(Errc code, std::string_view tensor, std::string_view why) const;
  void check_shape(const TensorInfo& t, std::initializer_list<std::int64_t> want) const;

  /// A vector of n floats, or null when absent.
  const float* vector(const std::string& name, std::int64_t n, bool required);
  /// A stack (dim, n, heads) of vectors, as many as the file has; null when absent.
  const float* stack(const std::string& name, std::int64_t dim, std::int64_t heads, int* n);
  /// A matrix (out, in) of floats, or null when absent.
  const float* matrix(const std::string& name, std::int64_t in, std::int64_t out, bool required);
  /// `at_least` positive divisors of frequencies; empty when absent.
  std::vector<float> factors(const std::string& name, std::int64_t at_least);
  /// A table (out, in) of 32-bit integers, each at least 0 and less than `limit`.
  const std::int32_t* numbers(const std::string& name, std::int64_t in, std::int64_t out, int limit);
  /// Keeps values that were computed while loading.
  const float* keep(std::vector<float> values);

  /// Rows [row, row + rows) of a matrix of `cols` columns. Throws Error(unsupported) for other tensor types.
  MatView rows_of(const TensorInfo& t, std::int64_t row, std::int64_t rows, std::int64_t cols) const;
  /// Adds a tensor that is used as it is to the sums.
  void count(const TensorInfo& t);
  /// Throws Error(unsupported) naming tensors that nobody took, but for those known to be no part of what is
  /// computed.
  void refuse_leftovers(int layers, int skipped) const;

 private:
  FormatId format_of(const TensorInfo& t) const;
  // Whether such rows can be taken apart: a part of them that begins with `row`.
  void check_interleaved(const TensorInfo& t, const MatView& view, std::int64_t row) const;
  const float* decode(const TensorInfo& t, std::int64_t n);

  const Gguf& file_;
  Weights& weights_;
  std::unordered_set<std::string_view> taken_;
};

}  // namespace longhand
