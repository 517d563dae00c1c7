// Small files of weights for tests of what makes models, and what is in those that come out.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "ops/format.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {

inline std::vector<float> random_weights(std::uint64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw(0, 0.05f);
  std::vector<float> values(n);
  for (float& value : values) value = draw(random);
  return values;
}

// A file of one layer of an architecture nobody knows: names alone tell what its tensors are.
inline GgufWriter small_file(std::uint64_t cols = 256, std::uint64_t rows = 40) {
  GgufWriter w;
  w.add("general.architecture", "unheard-of").add("general.name", "small");
  w.tensor("token_embd.weight", {cols, rows}, random_weights(cols * rows, 1));
  w.tensor("blk.0.attn_norm.weight", {cols}, random_weights(cols, 2));
  w.tensor("blk.0.attn_q.weight", {cols, rows}, random_weights(cols * rows, 3));
  w.tensor("blk.0.attn_v.weight", {cols, rows}, random_weights(cols * rows, 4));
  w.tensor("blk.0.ffn_gate_inp.weight", {cols, 3}, random_weights(cols * 3, 5));
  w.tensor("blk.0.ffn_up_exps.weight", {cols, rows, 3}, random_weights(cols * rows * 3, 6));
  w.tensor("output.weight", {cols, rows}, random_weights(cols * rows, 7));
  return w;
}

inline std::string write_file(const TempDir& dir, const GgufWriter& w, const std::string& name = "in.gguf") {
  const std::string path = dir.file(name);
  w.write(path);
  return path;
}

inline std::vector<float> decoded(const TensorInfo& t) {
  const auto format = FormatId(find_format(t.type_id));
  std::uint64_t n = 1;
  for (const std::uint64_t dim : t.dims) n *= dim;
  std::vector<float> values(n);
  decode_blocks(format, t.data.data(), std::int64_t(n / format_info(format).block_elements), values.data());
  return values;
}

inline std::string_view type_of(const Gguf& file, std::string_view tensor) {
  return known_tensor_type(file.find_tensor(tensor)->type_id)->name;
}

inline std::int64_t number_of(const Gguf& file, std::string_view key) {
  const MetaEntry* entry = file.find(key);
  if (entry == nullptr || entry->type != ValueType::u32) return -1;
  std::uint32_t value = 0;
  std::memcpy(&value, entry->data.data(), sizeof value);
  return value;
}

}  // namespace longhand::test
