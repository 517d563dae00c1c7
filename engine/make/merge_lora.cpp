// Adapters merged into the weights of a model, tensor by tensor.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <deque>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/longhand_merge.h"
#include "engine/make/gguf_output.h"
#include "engine/make/quantize/recipe.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/gguf_reader.h"
#include "loaders/model/tensors/lora_file.h"
#include "loaders/model/weights.h"
#include "ops/encode/encode.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

constexpr std::string_view kWeight = ".weight";
constexpr std::size_t kStripeFloats = std::size_t{4} << 20;  // at once in memory

// A pair for one tensor, and its factor.
struct PairUse {
  const Gguf* file;
  const LoraPair* pair;
  float factor;
};

// One adapter's part of a matrix (rows, cols): factor left right.
struct Product {
  std::vector<float> left;   // (rows, rank), of the matrix at hand
  std::vector<float> right;  // (rank, cols)
  std::size_t rank;
  float factor;
};

FormatId format_of(const Gguf& file, const TensorInfo& t) {
  const int id = find_format(t.type_id);
  if (id < 0)
    throw Error(Errc::unsupported,
                fmt::format("{}: tensor {} has type {}, which is not supported", file.name(), quote(t.name),
                            known_tensor_type(t.type_id)->name));
  return FormatId(id);
}

std::vector<float> floats_of(const Gguf& file, const TensorInfo& t, std::uint64_t first, std::uint64_t rows) {
  const FormatId format = format_of(file, t);
  const std::uint64_t cols = t.dims[0];
  std::vector<float> values(std::size_t(rows * cols));
  decode_rows(format, t.data.data() + std::size_t(first) * row_bytes(format, std::int64_t(cols)),
              std::int64_t(rows), std::int64_t(cols), values.data());
  return values;
}

std::vector<float> transposed(const std::vector<float>& values, std::size_t rows, std::size_t cols) {
  std::vector<float> turned(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) turned[c * rows + r] = values[r * cols + c];
  }
  return turned;
}

class Merger {
 public:
  Merger(const std::string& in, std::span<const ScaledAdapter> adapters, const std::string& out,
         const MergeOptions& options)
      : options_(options), out_(out), model_(Gguf::open(in)), total_(tensor_bytes(model_)) {
    refuse_own_file(model_, in, out);
    if (!options.type.empty()) type_ = type_called(options.type);
    for (const ScaledAdapter& adapter : adapters) add(adapter);
    threads_ = options.threads > 0 ? options.threads : omp_get_max_threads();
  }

  MergeReport write() {
    GgufOutput out(out_, head());
    for (std::size_t i = 0; i < model_.tensors().size(); ++i) {
      const TensorInfo& t = model_.tensors()[i];
      const auto uses = uses_.find(t.name);
      if (uses == uses_.end()) {
        copy_data(model_, t, out, [this](std::uint64_t bytes) { tell(bytes); });
      } else {
        merge(t, uses->second, FormatId(find_format(out.head().tensors[i].type)), out);
      }
      model_.release(t.data);
    }
    out.commit();
    return {uses_.size()};
  }

 private:
  static FormatId type_called(const std::string& name) {
    for (int id = 0; id < kFormatCount; ++id) {
      const std::string_view known = format_info(FormatId(id)).name;
      const bool same =
          std::ranges::equal(known, name, [](char a, char b) { return std::toupper(a) == std::toupper(b); });
      if (same && can_encode(FormatId(id))) return FormatId(id);
    }
    throw Error(Errc::unsupported, fmt::format("tensors cannot be written as {}", quote(name)));
  }

  void add(const ScaledAdapter& adapter) {
    if (!std::isfinite(adapter.scale))
      throw Error(Errc::range, fmt::format("{}: scale {} is no number", adapter.path, adapter.scale));
    const Gguf& file = files_.emplace_back(Gguf::open(adapter.path));
    refuse_own_file(file, adapter.path, out_);
    const LoraFile& lora = loras_.emplace_back(read_lora(file, model_.architecture()));
    for (const LoraPair& pair : lora.pairs) {
      const TensorInfo* t = model_.find_tensor(pair.name);
      if (t == nullptr)
        throw Error(Errc::missing, fmt::format("{}: changes tensor {}, which the model has not", file.name(),
                                               quote(pair.name)));
      const int rank = rank_of(file, pair, target_of(file, *t));
      uses_[t->name].push_back({&file, &pair, adapter.scale * lora.scale(rank)});
    }
  }

  static bool is_embedding(const TensorInfo& t) { return t.name == fmt::format("{}.weight", kEmbedding); }
  static bool ends_in(std::string_view name, std::initializer_list<std::string_view> ends) {
    if (name.ends_with(kWeight)) name.remove_suffix(kWeight.size());
    return std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
  }
  // The routers of shared experts have one row, which files hold as a vector.
  static LoraTarget target_of(const Gguf& file, const TensorInfo& t) {
    const bool is_row = t.n_dims == 1 && ends_in(t.name, {"ffn_gate_inp_shexp"});
    if ((t.n_dims < 2 && !is_row) || t.n_dims > 3 || ends_in(t.name, {"norm", "conv1d"}))
      throw Error(Errc::unsupported,
                  fmt::format("{}: changes tensor {}, which is no matrix that adapters can change",
                              file.name(), quote(t.name)));
    return {std::int64_t(t.dims[0]), std::int64_t(t.dims[1]), t.n_dims > 2 ? int(t.dims[2]) : 0,
            is_embedding(t)};
  }

  FormatId type_of(const TensorInfo& t) const {
    const FormatId format = type_.value_or(format_of(model_, t));
    if (!can_encode(format))
      throw Error(Errc::unsupported,
                  fmt::format("{}: tensor {} has type {}, which cannot be written again: name another type",
                              model_.name(), quote(t.name), format_info(format).name));
    if (t.dims[0] % format_info(format).block_elements != 0)
      throw Error(Errc::shape,
                  fmt::format("{}: tensor {} has rows of {}, no whole blocks of {}", model_.name(),
                              quote(t.name), t.dims[0], format_info(format).name));
    return format;
  }

  // Most of the weights are of this type then.
  static void set_file_type(std::vector<GgufEntry>& entries, FormatId format) {
    const auto recipe = std::ranges::find(recipes(), &format_info(format), &Recipe::base);
    const auto entry = std::ranges::find(entries, key::file_type.name, &GgufEntry::key);
    if (recipe == recipes().end() || entry == entries.end()) return;
    *entry = gguf_entry(std::string(key::file_type.name), recipe->file_type);
  }

  GgufHead head() const {
    GgufHead head{alignment_of(model_), copy_metadata(model_), {}};
    if (type_) set_file_type(head.entries, *type_);
    for (const TensorInfo& t : model_.tensors()) {
      GgufHead::Tensor& to = head.tensors.emplace_back(copy_shape(t));
      if (!uses_.contains(t.name)) continue;
      const FormatId format = type_of(t);
      to.type = format_info(format).gguf;
      to.bytes = row_bytes(format, std::int64_t(t.dims[0])) * t.dims[1] * t.dims[2] * t.dims[3];
    }
    return head;
  }

  void tell(std::uint64_t bytes) {
    done_ += bytes;
    if (options_.progress && !options_.progress(float(double(done_) / double(total_))))
      throw Error(Errc::cancelled, model_.name() + ": merging was cancelled");
  }

  // What the adapters add to matrix `e` of a tensor.
  static std::vector<Product> products_of(const TensorInfo& t, const std::vector<PairUse>& uses,
                                          std::uint64_t e) {
    std::vector<Product> products;
    const std::uint64_t cols = t.dims[0], rows = t.dims[1];
    for (const PairUse& use : uses) {
      const TensorInfo &a = *use.pair->a, &b = *use.pair->b;
      const std::uint64_t rank = b.dims[0];
      Product p{{}, {}, std::size_t(rank), use.factor};
      if (is_embedding(t)) {
        p.left = floats_of(*use.file, a, 0, rows);
        p.right = transposed(floats_of(*use.file, b, 0, cols), std::size_t(cols), std::size_t(rank));
      } else {
        p.left = floats_of(*use.file, b, e * rows, rows);
        p.right = floats_of(*use.file, a, e * rank, rank);
      }
      products.push_back(std::move(p));
    }
    return products;
  }

  // Where a matrix's products are multiplied with a number of the file, that is divided out.
  float scale_of(const TensorInfo& t, std::uint64_t e) const {
    if (!t.name.ends_with(kWeight)) return 1;
    const std::string name = fmt::format("{}.scale", t.name.substr(0, t.name.size() - kWeight.size()));
    const TensorInfo* scale = model_.find_tensor(name);
    const std::uint64_t count = t.n_dims > 2 ? t.dims[2] : 1;
    if (scale == nullptr || scale->n_dims != 1 || scale->dims[0] != count) return 1;
    const float factor = floats_of(model_, *scale, 0, 1)[std::size_t(e)];
    if (factor == 0 || !std::isfinite(factor))
      throw Error(Errc::range, fmt::format("{}: tensor {} has the value {}, which nothing can be divided by",
                                           model_.name(), quote(name), factor));
    return factor;
  }

  void merge(const TensorInfo& t, const std::vector<PairUse>& uses, FormatId to, GgufOutput& out) {
    const std::uint64_t cols = t.dims[0], rows = t.dims[1];
    const std::uint64_t stripe = std::max<std::uint64_t>(1, kStripeFloats / cols);
    for (std::uint64_t e = 0; e < t.dims[2]; ++e) {
      std::vector<Product> products = products_of(t, uses, e);
      for (Product& p : products) p.factor /= scale_of(t, e);
      for (std::uint64_t first = 0; first < rows; first += stripe) {
        const std::uint64_t count = std::min(stripe, rows - first);
        out.write(merged_rows(t, products, {e * rows + first, first, count}, to));
        tell(row_bytes(format_of(model_, t), std::int64_t(cols)) * count);
      }
    }
  }

  struct Rows {
    std::uint64_t in_tensor, in_matrix, count;
  };
  std::vector<std::byte> merged_rows(const TensorInfo& t, const std::vector<Product>& products,
                                     const Rows& rows, FormatId to) const {
    const auto cols = std::size_t(t.dims[0]);
    const FormatId from = format_of(model_, t);
    const std::size_t from_bytes = row_bytes(from, std::int64_t(cols)),
                      to_bytes = row_bytes(to, std::int64_t(cols));
    std::vector<std::byte> encoded(to_bytes * std::size_t(rows.count));
    const auto count = std::int64_t(rows.count);
    std::vector<float> room(std::size_t(threads_) * cols);
    bool finite = true;
#pragma omp parallel num_threads(threads_) reduction(&& : finite)
    {
      const std::span row(room.data() + std::size_t(omp_get_thread_num()) * cols, cols);
#pragma omp for schedule(dynamic, 16)
      for (std::int64_t r = 0; r < count; ++r) {
        decode_blocks(from, t.data.data() + (std::size_t(rows.in_tensor) + std::size_t(r)) * from_bytes,
                      std::int64_t(cols / format_info(from).block_elements), row.data());
        for (const Product& p : products) add(p, std::size_t(rows.in_matrix) + std::size_t(r), row);
        finite = finite && std::ranges::all_of(row, [](float x) { return std::isfinite(x); });
        encode_rows(to, row.data(), 1, std::int64_t(cols), {}, encoded.data() + std::size_t(r) * to_bytes);
      }
    }
    if (!finite)
      throw Error(Errc::range, fmt::format("{}: tensor {} would have values that are no numbers",
                                           model_.name(), quote(t.name)));
    return encoded;
  }

  // The row gets factor times row `r` of left right.
  static void add(const Product& p, std::size_t r, std::span<float> row) {
    for (std::size_t j = 0; j < p.rank; ++j) {
      const float left = p.factor * p.left[r * p.rank + j];
      const float* right = p.right.data() + j * row.size();
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += left * right[i];
    }
  }

  const MergeOptions& options_;
  const std::string& out_;
  const Gguf model_;
  std::optional<FormatId> type_;
  std::deque<Gguf> files_;
  std::deque<LoraFile> loras_;
  std::unordered_map<std::string_view, std::vector<PairUse>> uses_;  // by the names of the model's tensors
  int threads_ = 1;
  std::uint64_t done_ = 0, total_;  // bytes of the model's tensors
};

}  // namespace

MergeReport merge_lora(const std::string& in, std::span<const ScaledAdapter> adapters, const std::string& out,
                       const MergeOptions& options) {
  return Merger(in, adapters, out, options).write();
}

}  // namespace longhand
