#include "cli/measure/bench/synthetic_model.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "cli/measure/bench/random_blocks.h"
#include "cli/measure/bench/synthetic_vocab.h"
#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/arch.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand::cli {
namespace {

struct Plan {
  std::string name;
  std::vector<std::uint64_t> dims;
  const FormatInfo* type;
  bool ones;  // the weight of a norm

  std::uint64_t row_bytes() const { return dims[0] / type->block_elements * type->block_bytes; }
  std::uint64_t bytes() const {
    std::uint64_t size = row_bytes();
    for (std::size_t i = 1; i < dims.size(); ++i) size *= dims[i];
    return size;
  }
};

std::uint64_t u64(int n) { return static_cast<std::uint64_t>(n); }

/// All tensors of a model, in the order of its file.
class Planner {
 public:
  explicit Planner(const SyntheticModel& model) : shape_(*model.shape), mix_(*model.mix) {}

  std::vector<Plan> run() {
    matrix("token_embd.weight", MatrixRole::embedding, shape_.hidden, shape_.vocab);
    norm("output_norm.weight", shape_.hidden);
    if (!shape_.tied) matrix("output.weight", MatrixRole::head, shape_.hidden, shape_.vocab);
    for (layer_ = 0; layer_ < shape_.layers; ++layer_) add_layer();
    return std::move(plans_);
  }

 private:
  void add_layer() {
    const int q = shape_.heads * shape_.head_dim, kv = shape_.kv_heads * shape_.head_dim;
    const QkNorm qk_norm = find_arch(shape_.arch)->qk_norm;
    norm(in_layer("attn_norm"), shape_.hidden);
    if (qk_norm != QkNorm::none) {
      const bool per_head = qk_norm == QkNorm::per_head;
      norm(in_layer("attn_q_norm"), per_head ? shape_.head_dim : q);
      norm(in_layer("attn_k_norm"), per_head ? shape_.head_dim : kv);
    }
    matrix(in_layer("attn_q"), MatrixRole::attention, shape_.hidden, q);
    matrix(in_layer("attn_k"), MatrixRole::attention, shape_.hidden, kv);
    matrix(in_layer("attn_v"), MatrixRole::attn_v, shape_.hidden, kv);
    matrix(in_layer("attn_output"), MatrixRole::attn_output, q, shape_.hidden);
    norm(in_layer("ffn_norm"), shape_.hidden);
    if (shape_.experts > 0) {  // routers stay F32 in files
      plans_.push_back(
          {in_layer("ffn_gate_inp"), {u64(shape_.hidden), u64(shape_.experts)}, &F32::info, false});
    }
    ffn_matrix("ffn_gate", MatrixRole::ffn, shape_.hidden, shape_.ff);
    ffn_matrix("ffn_up", MatrixRole::ffn, shape_.hidden, shape_.ff);
    ffn_matrix("ffn_down", MatrixRole::ffn_down, shape_.ff, shape_.hidden);
  }

  void ffn_matrix(const std::string& name, MatrixRole role, int in, int out) {
    matrix(in_layer(shape_.experts > 0 ? name + "_exps" : name), role, in, out);
    if (shape_.experts > 0) plans_.back().dims.push_back(u64(shape_.experts));
  }

  std::string in_layer(std::string_view name) const { return fmt::format("blk.{}.{}.weight", layer_, name); }
  void norm(const std::string& name, int n) { plans_.push_back({name, {u64(n)}, &F32::info, true}); }
  void matrix(const std::string& name, MatrixRole role, int in, int out) {
    plans_.push_back({name, {u64(in), u64(out)}, &matrix_format(mix_, shape_, role, layer_, in), false});
  }

  const ModelShape& shape_;
  const TypeMix& mix_;
  int layer_ = 0;
  std::vector<Plan> plans_;
};

void add_metadata(GgufHead& head, const SyntheticModel& model) {
  const ModelShape& s = *model.shape;
  const auto add = [&](const KeySpec& key, const auto& value) {
    std::string name(key.name);
    if (name.starts_with("%s")) name = std::string(s.arch) + name.substr(2);
    head.entries.push_back(gguf_entry(name, value));
  };
  const auto u32 = [](int n) { return static_cast<std::uint32_t>(n); };
  add(key::architecture, s.arch);
  add(key::name, "synthetic " + model.name());
  add(key::file_type, model.mix->file_type);
  // Not read here, but other engines want it of quantized files.
  head.entries.push_back(gguf_entry("general.quantization_version", std::uint32_t{2}));
  add(key::context_length, u32(s.context));
  add(key::embedding_length, u32(s.hidden));
  add(key::block_count, u32(s.layers));
  add(key::feed_forward_length, u32(s.ff));
  add(key::head_count, u32(s.heads));
  add(key::head_count_kv, u32(s.kv_heads));
  add(key::key_length, u32(s.head_dim));
  add(key::value_length, u32(s.head_dim));
  add(key::rope_dimensions, u32(s.head_dim));
  add(key::rope_base, s.rope_base);
  add(key::rms_epsilon, s.epsilon);
  add(key::vocab_size, u32(s.vocab));
  if (s.experts > 0) {
    add(key::expert_count, u32(s.experts));
    add(key::expert_used_count, u32(s.experts_used));
    add(key::expert_ff_length, u32(s.ff));
  }
}

GgufHead make_head(const SyntheticModel& model, const std::vector<Plan>& plans) {
  GgufHead head;
  add_metadata(head, model);
  add_synthetic_vocab(head, model.shape->vocab);
  for (const Plan& plan : plans)
    head.tensors.push_back({plan.name, plan.dims, plan.type->gguf, plan.bytes()});
  return head;
}

/// Writes the data of tensors in pieces, counting for the progress.
class DataWriter {
 public:
  DataWriter(OutputFile& out, std::uint64_t total, const std::function<bool(float)>& progress)
      : out_(out), total_(total), progress_(progress) {}

  void write(std::span<const std::byte> bytes) {
    out_.write(bytes);
    done_ += bytes.size();
    if (progress_ && !progress_(static_cast<float>(double(done_) / double(total_))))
      throw Error(Errc::cancelled, "writing the model was cancelled");
  }
  void pad(std::uint64_t bytes) { write(std::vector<std::byte>(bytes)); }

 private:
  OutputFile& out_;
  std::uint64_t total_, done_ = 0;
  const std::function<bool(float)>& progress_;
};

void write_ones(const Plan& plan, DataWriter& out) {
  const std::vector<float> ones(plan.dims[0], 1.0f);
  out.write(std::as_bytes(std::span(ones)));
}

// Weights spread by 1 / sqrt(inputs) keep the spread of what they are multiplied with, as trained ones do.
void write_matrix(const Plan& plan, Random& random, DataWriter& out) {
  const RandomBlocks blocks(*plan.type, 1.0f / std::sqrt(static_cast<float>(plan.dims[0])));
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
  const auto plans = Planner(model).run();
  const GgufHead head = make_head(model, plans);
  std::uint64_t size = head.bytes().size();
  for (const Plan& plan : plans) size += head.round_up(plan.bytes());
  return size;
}

void write_synthetic(const SyntheticModel& model, OutputFile& out,
                     const std::function<bool(float)>& progress) {
  const auto plans = Planner(model).run();
  const GgufHead head = make_head(model, plans);
  const std::string bytes = head.bytes();
  out.write(std::as_bytes(std::span(bytes)));
  std::uint64_t total = 0;
  for (const Plan& plan : plans) total += head.round_up(plan.bytes());
  DataWriter data(out, total, progress);
  Random random(42);
  for (const Plan& plan : plans) {
    if (plan.ones) {
      write_ones(plan, data);
    } else {
      write_matrix(plan, random, data);
    }
    data.pad(head.round_up(plan.bytes()) - plan.bytes());
  }
}

}  // namespace longhand::cli
