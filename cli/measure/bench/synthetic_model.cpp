#include "cli/measure/bench/synthetic_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "cli/measure/bench/random_blocks.h"
#include "cli/measure/bench/synthetic_vocab.h"
#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/tensors/tensor_list.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand::cli {
namespace {

/// What the values of a tensor are: vectors of zeros add and scale nothing.
enum class Fill : std::uint8_t { random, ones, zeros };

struct Plan {
  std::string name;
  std::vector<std::uint64_t> dims;
  const FormatInfo* type;
  Fill fill;

  std::uint64_t row_bytes() const { return dims[0] / type->block_elements * type->block_bytes; }
  std::uint64_t bytes() const {
    std::uint64_t size = row_bytes();
    for (std::size_t i = 1; i < dims.size(); ++i) size *= dims[i];
    return size;
  }
};

Fill fill_of(TensorKind kind) {
  if (kind == TensorKind::matrix) return Fill::random;
  return kind == TensorKind::norm ? Fill::ones : Fill::zeros;
}

/// All tensors of a model with the metadata of `head`, in the order of its file.
std::vector<Plan> plan_tensors(const SyntheticModel& model, const GgufHead& head) {
  const ModelShape& shape = *model.shape;
  ModelConfig config = load_config(head);
  config.vocab = shape.vocab;
  std::vector<std::string> wishes(shape.wishes.begin(), shape.wishes.end());
  if (!shape.tied) wishes.emplace_back("output.weight");
  if (shape.experts > 0) wishes.emplace_back("ffn_gate_inp.weight");
  std::vector<Plan> plans;
  for (const ListedTensor& t : list_tensors(config, wish_list(std::move(wishes)))) {
    const bool matrix = t.kind == TensorKind::matrix;
    const FormatInfo& type =
        matrix ? matrix_format(*model.mix, shape, t.role, std::max(t.layer, 0), int(t.dims[0])) : F32::info;
    plans.push_back({t.name, t.dims, &type, fill_of(t.kind)});
  }
  return plans;
}

/// The metadata of a shape: keys that every architecture has, then its own, which may replace the former.
class Metadata {
 public:
  Metadata(GgufHead& head, const ModelShape& shape) : head_(head), shape_(shape) {}

  template <class T>
  void add(const KeySpec& key, const T& value) {
    put(gguf_entry(name(key), value));
  }
  void add(const KeySpec& key, int value) { add(key, std::uint32_t(value)); }
  void add(const KeySpec& key, std::span<const int> values) {
    put(gguf_array(name(key), std::vector<std::int32_t>(values.begin(), values.end())));
  }
  void add_sizes() {
    const ModelShape& s = shape_;
    add(key::context_length, s.context);
    add(key::embedding_length, s.hidden);
    add(key::block_count, s.layers);
    add(key::feed_forward_length, s.ff);
    add(key::head_count, s.heads);
    add(key::head_count_kv, s.kv_heads);
    add(key::key_length, s.head_dim);
    add(key::value_length, s.head_dim);
    add(key::rope_dimensions, s.head_dim);
    add(key::rope_base, s.rope_base);
    add(key::rms_epsilon, s.epsilon);
    add(key::vocab_size, s.vocab);
    if (s.experts > 0) {
      add(key::expert_count, s.experts);
      add(key::expert_used_count, s.experts_used);
      add(key::expert_ff_length, s.ff);
    }
    for (const ShapeKey& own : s.keys)
      std::visit([&](const auto& value) { add(*own.key, value); }, own.value);
  }

 private:
  std::string name(const KeySpec& key) const {
    const std::string name(key.name);
    return name.starts_with("%s") ? std::string(shape_.arch) + name.substr(2) : name;
  }
  void put(GgufEntry entry) {
    const auto old = std::ranges::find(head_.entries, entry.key, &GgufEntry::key);
    if (old != head_.entries.end()) {
      *old = std::move(entry);
    } else {
      head_.entries.push_back(std::move(entry));
    }
  }

  GgufHead& head_;
  const ModelShape& shape_;
};

void add_metadata(GgufHead& head, const SyntheticModel& model) {
  Metadata metadata(head, *model.shape);
  metadata.add(key::architecture, model.shape->arch);
  metadata.add(key::name, "synthetic " + model.name());
  metadata.add(key::file_type, model.mix->recipe->file_type);
  // Not read here, but other engines want it of quantized files.
  head.entries.push_back(gguf_entry("general.quantization_version", std::uint32_t{2}));
  metadata.add_sizes();
}

/// Everything before the data, and what the data will be.
struct FilePlan {
  GgufHead head;
  std::vector<Plan> plans;

  explicit FilePlan(const SyntheticModel& model) {
    add_metadata(head, model);
    plans = plan_tensors(model, head);
    add_synthetic_vocab(head, model.shape->vocab);
    for (const Plan& plan : plans)
      head.tensors.push_back({plan.name, plan.dims, plan.type->gguf, plan.bytes()});
  }
  std::uint64_t data_bytes() const {
    std::uint64_t size = 0;
    for (const Plan& plan : plans) size += head.round_up(plan.bytes());
    return size;
  }
};

/// Writes the data of tensors in pieces, counting for the progress.
class DataWriter {
 public:
  DataWriter(OutputFile& out, std::uint64_t total, const std::function<bool(float)>& progress)
      : out_(out), total_(total), progress_(progress) {}

  void write(std::span<const std::byte> bytes) {
    out_.write(bytes);
    done_ += bytes.size();
    if (progress_ && !progress_(float(double(done_) / double(total_))))
      throw Error(Errc::cancelled, "writing the model was cancelled");
  }
  void pad(std::uint64_t bytes) { write(std::vector<std::byte>(bytes)); }

 private:
  OutputFile& out_;
  std::uint64_t total_, done_ = 0;
  const std::function<bool(float)>& progress_;
};

void write_same(const Plan& plan, float value, DataWriter& out) {
  const std::vector<float> values(plan.bytes() / sizeof(float), value);
  out.write(std::as_bytes(std::span(values)));
}

// Weights spread by 1 / sqrt(inputs) keep the spread of what they are multiplied with, as trained ones do.
void write_matrix(const Plan& plan, Random& random, DataWriter& out) {
  const RandomBlocks blocks(*plan.type, 1.0f / std::sqrt(float(plan.dims[0])));
  constexpr std::uint64_t kPiece = 1 << 20;
  const std::uint64_t row = plan.row_bytes();
  std::vector<std::byte> piece(std::max(row, kPiece / row * row));
  for (std::uint64_t left = plan.bytes(); left > 0; left -= piece.size()) {
    if (left < piece.size()) piece.resize(left);
    blocks.fill(piece, random);
    out.write(piece);
  }
}

template <class Items>
std::string joined_names(const Items& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + std::string(item.name);
  return out;
}

}  // namespace

std::string SyntheticModel::name() const { return fmt::format("{}:{}", shape->name, mix->name); }

SyntheticModel parse_synthetic(const std::string& text) {
  const auto colon = text.find(':');
  const std::string shape = text.substr(0, colon);
  const std::string mix = colon == std::string::npos ? "" : text.substr(colon + 1);
  SyntheticModel model{find_shape(shape), find_mix(mix)};
  if (model.shape == nullptr) {
    throw Error(Errc::range, fmt::format("shape '{}' is not known, must be one of {}",
                                         escape_controls(shape, 60), joined_names(model_shapes())));
  }
  if (model.mix == nullptr) {
    throw Error(Errc::range, fmt::format("type '{}' is not known, must be one of {}",
                                         escape_controls(mix, 60), joined_names(type_mixes())));
  }
  return model;
}

std::uint64_t synthetic_bytes(const SyntheticModel& model) {
  const FilePlan file(model);
  return file.head.bytes().size() + file.data_bytes();
}

void write_synthetic(const SyntheticModel& model, OutputFile& out,
                     const std::function<bool(float)>& progress) {
  const FilePlan file(model);
  const std::string bytes = file.head.bytes();
  out.write(std::as_bytes(std::span(bytes)));
  DataWriter data(out, file.data_bytes(), progress);
  Random random(42);
  for (const Plan& plan : file.plans) {
    if (plan.fill == Fill::random) {
      write_matrix(plan, random, data);
    } else {
      write_same(plan, plan.fill == Fill::ones ? 1.0f : 0.0f, data);
    }
    data.pad(file.head.round_up(plan.bytes()) - plan.bytes());
  }
}

}  // namespace longhand::cli
