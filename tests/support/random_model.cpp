#include "tests/support/random_model.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "loaders/model/tensors/tensor_list.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

constexpr int kVocab = 300;

class Maker {
 public:
  explicit Maker(const RandomShape& shape) : s_(shape) {}

  GgufWriter make() {
    GgufHead head;
    add_keys(head);
    ModelConfig config = load_config(head);
    config.vocab = kVocab;
    w_.entries = head.entries;
    for (const GgufEntry& entry : tiny_llama().entries)
      if (entry.key.starts_with("tokenizer.")) w_.entries.push_back(entry);
    const int last = int(config.layers.size()) - 1;
    for (const ListedTensor& t : list_tensors(config, wish_list(s_.wishes))) {
      add(t.name, t.dims, t.kind);
      const std::string prefix = fmt::format("blk.{}.", last);
      if (s_.next_head && t.name.starts_with(prefix))
        add(fmt::format("blk.{}.{}", last + 1, t.name.substr(prefix.size())), t.dims, t.kind);
    }
    if (s_.next_head) add_next(fmt::format("blk.{}.nextn.", last + 1), std::uint64_t(config.hidden));
    return w_;
  }

 private:
  void add_keys(GgufHead& head) {
    const auto name = [&](const std::string& key) { return s_.arch + "." + key; };
    head.entries.push_back(gguf_entry("general.architecture", s_.arch));
    std::map<std::string, std::uint32_t> numbers = s_.numbers;
    numbers.insert({{"context_length", 256},
                    {"embedding_length", 32},
                    {"block_count", 2},
                    {"feed_forward_length", 48},
                    {"attention.head_count", 4},
                    {"attention.head_count_kv", 2}});
    if (s_.next_head) {
      ++numbers["block_count"];
      numbers["nextn_predict_layers"] = 1;
    }
    for (const auto& [key, value] : numbers) head.entries.push_back(gguf_entry(name(key), value));
    for (const auto& [key, values] : s_.lists) head.entries.push_back(gguf_array(name(key), values));
    head.entries.push_back(gguf_entry(name("attention.layer_norm_rms_epsilon"), 1e-5f));
    head.entries.push_back(gguf_entry(name("attention.layer_norm_epsilon"), 1e-5f));
  }

  void add_next(const std::string& prefix, std::uint64_t n) {
    add(prefix + "eh_proj.weight", {2 * n, n}, TensorKind::matrix);
    for (const char* norm : {"enorm", "hnorm", "shared_head_norm"})
      add(prefix + norm + ".weight", {n}, TensorKind::norm);
  }

  void add(const std::string& name, const std::vector<std::uint64_t>& dims, TensorKind kind) {
    std::uint64_t count = 1;
    for (const std::uint64_t dim : dims) count *= dim;
    const bool norm = kind == TensorKind::norm;
    const float spread = kind == TensorKind::matrix ? 1.5f / std::sqrt(float(dims[0])) : 0.3f;
    std::normal_distribution<float> draw(norm ? 1.0f : 0.0f, spread);
    std::vector<float> values(count);
    for (float& value : values) value = draw(random_);
    // What lets a state decay must not make it grow.
    if (name.ends_with("ssm_a"))
      for (float& value : values) value = -std::abs(value);
    w_.tensor(name, dims, values);
  }

  const RandomShape& s_;
  GgufWriter w_;
  std::mt19937 random_{3};
};

}  // namespace

GgufWriter random_model(const RandomShape& shape) { return Maker(shape).make(); }

}  // namespace longhand::test
