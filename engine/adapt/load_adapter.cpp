// From an adapter's file to matrices beside those of a model.

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "engine/adapt/adapter_data.h"
#include "engine/state/fingerprint.h"
#include "loaders/gguf/gguf_reader.h"
#include "loaders/model/tensors/lora_file.h"
#include "loaders/model/tensors/matrix_names.h"
#include "ops/format.h"
#include "ops/panels.h"

namespace longhand {
namespace {

class AdapterLoader {
 public:
  AdapterLoader(std::shared_ptr<const ModelData> model, const Gguf& file) : file_(file) {
    data_.model = std::move(model);
    data_.info.name = file.name();
    data_.fingerprint = whole_fingerprint(file);
  }

  AdapterData load() {
    const ModelData& m = *data_.model;
    lora_ = read_lora(file_, m.file.architecture());
    data_.info.alpha = lora_.alpha;
    data_.info.tensors = int(lora_.pairs.size());
    std::vector<std::string> unused;
    const auto has = [&](const std::string& name) { return m.file.find_tensor(name) != nullptr; };
    std::unordered_map<std::string, NamedMatrix> targets;
    for (NamedMatrix& target : name_matrices(m.config, m.weights, has, &unused)) {
      std::string name = target.name;
      targets.emplace(std::move(name), std::move(target));
    }
    for (const LoraPair& pair : lora_.pairs) {
      const auto target = targets.find(pair.name);
      if (target != targets.end()) {
        add(pair, target->second);
      } else if (pair.name == fmt::format("{}.weight", kEmbedding)) {
        add_embedding(pair);
      } else if (std::ranges::find(unused, pair.name) != unused.end()) {
        check_unused(pair);
        --data_.info.tensors;
      } else {
        refuse_target(pair);
      }
    }
    interleave();
    return std::move(data_);
  }

 private:
  // A matrix, and the view of it that is to be in panels.
  struct Source {
    MatView rows;
    MatView* to;
  };

  [[noreturn]] void refuse_target(const LoraPair& pair) const {
    if (data_.model->file.find_tensor(pair.name) == nullptr)
      throw Error(Errc::missing, fmt::format("{}: changes tensor {}, which the model has not", file_.name(),
                                             quote(pair.name)));
    throw Error(Errc::unsupported,
                fmt::format("{}: changes tensor {}, which is no matrix that adapters can change here",
                            file_.name(), quote(pair.name)));
  }

  // Whoever trains a model whose layers share keys may train matrices of keys that nothing reads.
  void check_unused(const LoraPair& pair) const {
    const TensorInfo* t = data_.model->file.find_tensor(pair.name);
    if (t == nullptr || t->n_dims != 2) refuse_target(pair);
    rank_of(file_, pair, {std::int64_t(t->dims[0]), std::int64_t(t->dims[1])});
  }

  void add(const LoraPair& pair, const NamedMatrix& target) {
    const int rank = rank_of(file_, pair, {target.in, target.out, target.experts, false});
    for (const MatrixPlace& place : target.places) {
      const MatView a = rows_of(*pair.a, std::int64_t{place.expert} * rank, rank);
      const MatView& w = place.linear->weight;
      const std::int64_t rows = place.transposed ? w.cols : w.rows;
      const MatView b = rows_of(*pair.b, place.expert * target.out + place.row, rows);
      keep(place.linear, place.transposed ? transposed(b) : a, place.transposed ? transposed(a) : b, rank);
    }
  }

  // The embedding is looked up: its rows are outputs of the head, where that is the same matrix.
  void add_embedding(const LoraPair& pair) {
    const ModelData& m = *data_.model;
    const int rank = rank_of(file_, pair, {m.config.hidden, m.config.vocab, 0, true});
    const MatView tokens = rows_of(*pair.a, 0, m.config.vocab), hidden = rows_of(*pair.b, 0, m.config.hidden);
    data_.embedding.scale = lora_.scale(rank);
    sources_.push_back({tokens, &data_.embedding.a});
    sources_.push_back({hidden, &data_.embedding.b});
    data_.info.rank = std::max(data_.info.rank, rank);
    const Linear& head = m.weights.output;
    if (!head.empty() && head.weight.data == m.weights.embedding.data)
      keep(&head, transposed(hidden), tokens, rank);
  }

  void keep(const Linear* linear, const MatView& a, const MatView& b, int rank) {
    LowRank& to = data_.matrices[linear];
    to.scale = lora_.scale(rank);
    sources_.push_back({a, &to.a});
    sources_.push_back({b, &to.b});
    data_.info.rank = std::max(data_.info.rank, rank);
  }

  // F32 and F16 are multiplied as the file has them, all else as floats.
  MatView rows_of(const TensorInfo& t, std::int64_t first, std::int64_t rows) {
    const int id = find_format(t.type_id);
    if (id < 0)
      throw Error(Errc::unsupported,
                  fmt::format("{}: tensor {} has a type that is not supported: {}", file_.name(),
                              quote(t.name), known_tensor_type(t.type_id)->name));
    const auto format = FormatId(id);
    const auto cols = std::int64_t(t.dims[0]);
    const MatView view{format, Layout::rows, std::int32_t(rows), std::int32_t(cols),
                       t.data.data() + std::size_t(first) * row_bytes(format, cols)};
    return format_info(format).activation == Activation::f32 ? view
                                                             : own(decoded(view), view.rows, view.cols);
  }

  static std::vector<float> decoded(const MatView& m) {
    std::vector<float> values(std::size_t(m.rows) * std::size_t(m.cols));
    for (std::int32_t r = 0; r < m.rows; ++r)
      decode_row(m, r, values.data() + std::size_t(r) * std::size_t(m.cols));
    return values;
  }

  MatView transposed(const MatView& m) {
    const std::vector<float> values = decoded(m);
    const auto rows = std::size_t(m.rows), cols = std::size_t(m.cols);
    std::vector<float> turned(values.size());
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) turned[c * rows + r] = values[r * cols + c];
    }
    return own(std::move(turned), m.cols, m.rows);
  }

  MatView own(std::vector<float> values, std::int32_t rows, std::int32_t cols) {
    floats_.push_back(std::move(values));
    const auto* data = reinterpret_cast<const std::byte*>(floats_.back().data());
    return {kFormatF32, Layout::rows, rows, cols, data};
  }

  void interleave() {
    constexpr std::size_t kAlign = 64;
    const auto bytes = [](const MatView& m) {
      return (panels_bytes(m.format, m.rows, m.cols) + kAlign - 1) / kAlign * kAlign;
    };
    std::size_t total = 0;
    for (const Source& source : sources_) total += bytes(source.rows);
    data_.panels = Buffer(total);
    std::byte* to = data_.panels.data();
    for (const Source& source : sources_) {
      const std::size_t stride = panel_bytes(source.rows.format, source.rows.cols);
      for (std::int32_t p = 0; p < panel_count(source.rows.rows); ++p)
        interleave_panel(source.rows, p, to + std::size_t(p) * stride);
      *source.to = source.rows;
      source.to->layout = Layout::panels;
      source.to->data = to;
      to += bytes(source.rows);
    }
    data_.info.bytes = total;
  }

  const Gguf& file_;
  AdapterData data_;
  LoraFile lora_;
  std::vector<Source> sources_;
  std::deque<std::vector<float>> floats_;  // what had to be computed
};

}  // namespace

std::shared_ptr<const AdapterData> load_adapter(std::shared_ptr<const ModelData> model, const Gguf& file) {
  return std::make_shared<const AdapterData>(AdapterLoader(std::move(model), file).load());
}

}  // namespace longhand
