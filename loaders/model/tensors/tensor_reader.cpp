#include "loaders/model/tensors/tensor_reader.h"

#include <fmt/format.h>

#include <cstring>

#include "loaders/model/tensors/leftover_tensors.h"
#include "ops/interleaved.h"
#include "ops/panels.h"

namespace longhand {
namespace {

std::int64_t count_of(const TensorInfo& t) {
  std::uint64_t count = 1;
  for (const std::uint64_t d : t.dims) count *= d;
  return std::int64_t(count);
}

}  // namespace

const TensorInfo* TensorReader::find(const std::string& name) {
  const TensorInfo* tensor = file_.find_tensor(name);
  if (tensor != nullptr) taken_.insert(tensor->name);
  return tensor;
}

void TensorReader::refuse(Errc code, std::string_view tensor, std::string_view why) const {
  throw Error(code, fmt::format("{}: tensor '{}' {}", file_.name(), tensor, why));
}

void TensorReader::check_shape(const TensorInfo& t, std::initializer_list<std::int64_t> want) const {
  std::string wanted, got;
  bool same = true;
  std::size_t d = 0;
  for (const std::int64_t n : want) {
    same = same && t.dims[d] == std::uint64_t(n);
    wanted += fmt::format("{}{}", d == 0 ? "" : " x ", n);
    ++d;
  }
  for (; d < t.dims.size(); ++d) same = same && t.dims[d] == 1;
  for (int i = 0; i < t.n_dims; ++i) got += fmt::format("{}{}", i == 0 ? "" : " x ", t.dims[std::size_t(i)]);
  if (!same) refuse(Errc::shape, t.name, fmt::format("has shape {}, must be {}", got, wanted));
}

FormatId TensorReader::format_of(const TensorInfo& t) const {
  const int id = find_format(t.type_id);
  if (id < 0) {
    std::string known;
    for (int i = 0; i < kFormatCount; ++i)
      known += fmt::format("{}{}", i == 0 ? "" : ", ", format_info(FormatId(i)).name);
    refuse(Errc::unsupported, t.name,
           fmt::format("has type {}, which is not one of those supported: {}",
                       known_tensor_type(t.type_id)->name, known));
  }
  return FormatId(id);
}

const float* TensorReader::vector(const std::string& name, std::int64_t n, bool required) {
  const TensorInfo* t = find(name);
  if (t == nullptr) {
    if (required) refuse(Errc::missing, name, "is missing");
    return nullptr;
  }
  // Norms of single heads may be stored (head_dim, heads): count, not shape, is what matters.
  if (count_of(*t) != n) check_shape(*t, {n});
  return decode(*t, n);
}

const float* TensorReader::stack(const std::string& name, std::int64_t dim, std::int64_t heads, int* n) {
  constexpr std::uint64_t kMost = 1 << 16;
  const TensorInfo* t = find(name);
  if (t == nullptr) return nullptr;
  if (t->dims[1] < 1 || t->dims[1] > kMost)
    refuse(Errc::shape, name, fmt::format("has {} vectors, must have 1..{}", t->dims[1], kMost));
  *n = int(t->dims[1]);
  check_shape(*t, {dim, *n, heads});
  return decode(*t, dim * *n * heads);
}

const float* TensorReader::matrix(const std::string& name, std::int64_t in, std::int64_t out, bool required) {
  const TensorInfo* t = find(name);
  if (t == nullptr) {
    if (required) refuse(Errc::missing, name, "is missing");
    return nullptr;
  }
  check_shape(*t, {in, out});
  return decode(*t, in * out);
}

std::vector<float> TensorReader::factors(const std::string& name, std::int64_t at_least) {
  const TensorInfo* t = find(name);
  if (t == nullptr) return {};
  const auto n = std::int64_t(t->dims[0]);
  if (t->n_dims != 1 || n < at_least || n > 2 * at_least + 64) {
    refuse(Errc::shape, name, fmt::format("has {} values, must have {}", n, at_least));
  }
  const float* values = decode(*t, n);
  std::vector<float> result(values, values + at_least);
  for (const float f : result) {
    if (!(f > 0)) refuse(Errc::range, name, fmt::format("holds {}, must be positive", f));
  }
  return result;
}

const std::int32_t* TensorReader::numbers(const std::string& name, std::int64_t in, std::int64_t out,
                                          int limit) {
  const TensorInfo* t = find(name);
  if (t == nullptr) refuse(Errc::missing, name, "is missing");
  const std::string_view type = known_tensor_type(t->type_id)->name;
  if (type != "I32") refuse(Errc::unsupported, name, fmt::format("has type {}, must be I32", type));
  check_shape(*t, {in, out});
  std::vector<std::int32_t> values(std::size_t(in * out));
  std::memcpy(values.data(), t->data.data(), t->data.size());
  for (const std::int32_t value : values) {
    if (value < 0 || value >= limit)
      refuse(Errc::range, name, fmt::format("holds {}, must be 0..{}", value, limit - 1));
  }
  weights_.integers.push_back(std::move(values));
  return weights_.integers.back().data();
}

const float* TensorReader::keep(std::vector<float> values) {
  weights_.floats.push_back(std::move(values));
  return weights_.floats.back().data();
}

MatView TensorReader::rows_of(const TensorInfo& t, std::int64_t row, std::int64_t rows,
                              std::int64_t cols) const {
  MatView view{0, Layout::rows, std::int32_t(rows), std::int32_t(cols), t.data.data()};
  if (const int format = find_interleaved(t.type_id); format >= 0) {
    view.format = FormatId(format);
    view.layout = Layout::interleaved;
    check_interleaved(t, view, row);
  } else {
    view.format = format_of(t);
  }
  view.data += std::size_t(row) * stored_row_bytes(view);
  return view;
}

void TensorReader::check_interleaved(const TensorInfo& t, const MatView& view, std::int64_t row) const {
  const int together = interleaved_rows(view.format);
  if (row % together != 0)
    refuse(Errc::unsupported, t.name,
           fmt::format("has type {}, of which {} rows lie together, and a part of it begins with row {}",
                       known_tensor_type(t.type_id)->name, together, row));
  const std::uint32_t block = format_info(view.format).block_elements;
  if (view.cols % std::int32_t(block) != 0)
    refuse(Errc::shape, t.name,
           fmt::format("has rows of {} weights, which with type {} must be a multiple of {}", view.cols,
                       known_tensor_type(t.type_id)->name, block));
}

void TensorReader::count(const TensorInfo& t) {
  weights_.bytes += t.data.size();
  weights_.parameters += std::uint64_t(count_of(t));
}

void TensorReader::refuse_leftovers(int layers, int skipped) const {
  std::string names;
  int count = 0;
  for (const TensorInfo& t : file_.tensors()) {
    if (taken_.contains(t.name) || known_leftover(t.name, layers, skipped)) continue;
    if (++count <= 4) names += fmt::format("{}'{}'", count == 1 ? "" : ", ", t.name);
  }
  if (count > 0) {
    throw Error(Errc::unsupported, fmt::format("{}: {} tensor{} not used by architecture '{}': {}{}",
                                               file_.name(), count, count == 1 ? " is" : "s are",
                                               file_.architecture(), names, count > 4 ? ", ..." : ""));
  }
}

const float* TensorReader::decode(const TensorInfo& t, std::int64_t n) {
  const auto cols = std::int64_t(t.dims[0]), rows = n / cols;
  const MatView view = rows_of(t, 0, rows, cols);
  weights_.floats.emplace_back(std::size_t(n));
  float* const values = weights_.floats.back().data();
  for (std::int32_t r = 0; r < view.rows; ++r) decode_row(view, r, values + r * cols);
  return values;
}

}  // namespace longhand
