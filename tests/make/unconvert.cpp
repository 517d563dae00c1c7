#include "tests/make/unconvert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>

#include "ops/format.h"
#include "tests/make/unconvert_parts.h"

namespace longhand::test {
namespace {

// Moves output i of `array` to place to(i).
Array outputs_moved(const Array& array, const std::function<std::size_t(std::size_t)>& to) {
  Array moved = array;
  const std::size_t width = array.shape.size() == 1 ? 1 : array.cols(), count = array.values.size() / width;
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(array.values.begin() + std::ptrdiff_t(i * width), width,
                moved.values.begin() + std::ptrdiff_t(to(i) * width));
  return moved;
}

Array rows_of(const Array& array, std::size_t first, std::size_t count) {
  const auto begin = array.values.begin() + std::ptrdiff_t(first * array.cols());
  return {{count, array.cols()}, {begin, begin + std::ptrdiff_t(count * array.cols())}};
}

Array transposed(const Array& matrix) {
  Array turned{{matrix.cols(), matrix.rows()}, std::vector<float>(matrix.values.size())};
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t c = 0; c < matrix.cols(); ++c)
      turned.values[c * matrix.rows() + r] = matrix.values[r * matrix.cols() + c];
  }
  return turned;
}

Array slice(const Array& array, std::size_t matrix) {
  const std::size_t height = std::size_t(array.shape[array.shape.size() - 2]);
  return rows_of(array, matrix * height, height);
}

class Unconverter {
 public:
  explicit Unconverter(const Gguf& file)
      : file_(file), keys_(file), arch_(file.architecture()), origin_(origin_of(base())) {}

  HubFolder run() {
    folder_.config = config_of(file_);
    for (const TensorInfo& tensor : file_.tensors()) put(tensor);
    if (!pending_.empty()) throw std::logic_error("left over: " + pending_.begin()->first);
    return std::move(folder_);
  }

 private:
  std::string base() const { return arch_ == "lfm2moe" ? "lfm2" : arch_; }

  void put(const TensorInfo& tensor) {
    std::string name(tensor.name), prefix = "model.", layer;
    if (name.starts_with("rope_f")) return;
    if (name.starts_with("blk.")) {
      const std::size_t dot = name.find('.', 4);
      layer = name.substr(4, dot - 4);
      prefix += fmt::format("layers.{}.", layer);
      name = name.substr(dot + 1);
    }
    if (name == "output.weight") return add("lm_head.weight", array_of(tensor));
    if (special(prefix, name, tensor)) return;
    const std::size_t dot = name.rfind('.');
    const std::string stem = name.substr(0, dot), ending = dot == std::string::npos ? "" : name.substr(dot);
    const std::string& new_stem = original_name(origin_, stem);
    put_usual(prefix, new_stem, ending, stem, array_of(tensor));
  }

  void put_usual(const std::string& prefix, std::string stem, const std::string& ending,
                 const std::string& old_stem, Array array) {
    if (origin_.neighbours && (old_stem == "attn_q" || old_stem == "attn_k"))
      array = halves(array, old_stem == "attn_q");
    if (origin_.norms_add_one && old_stem.ends_with("norm") && old_stem != origin_.norm_not_added) {
      for (float& x : array.values) x -= 1;
    }
    if (old_stem == "ffn_gate_inp_shexp") array.shape.insert(array.shape.begin(), 1);
    if (old_stem == "shortconv.conv" || old_stem == "ssm_conv1d")
      array.shape.insert(array.shape.begin() + 1, 1);
    const std::size_t star = stem.find('*');
    if (star == std::string::npos) return add(prefix + stem + ending, array);
    for (std::size_t e = 0; e < std::size_t(array.shape[0]); ++e)
      add(prefix + stem.substr(0, star) + std::to_string(e) + stem.substr(star + 1) + ending,
          slice(array, e));
  }

  // Neighbours 2j and 2j + 1 of a head become j and j + half.
  Array halves(const Array& array, bool queries) const {
    const double count =
        keys_.number(queries || !keys_.find("attention.head_count_kv") ? "attention.head_count"
                                                                       : "attention.head_count_kv");
    const std::size_t outputs = array.shape.size() == 1 ? array.values.size() : array.rows();
    const std::size_t size = outputs / std::size_t(count);
    return outputs_moved(array, [&](std::size_t i) {
      const std::size_t head = i / size, at = i % size;
      return head * size + at / 2 + at % 2 * (size / 2);
    });
  }

  void add(const std::string& name, const Array& array) { folder_.add(name, array.shape, array.values); }

  // Keeps a tensor until `other` of the same layer is there too, then calls join(first, second): `name` is
  // one of the two.
  template <class Join>
  bool pair_up(const std::string& prefix, const std::string& name, const std::string& first,
               const std::string& second, const TensorInfo& tensor, const Join& join) {
    if (name != first && name != second) return false;
    const std::string& other = name == first ? second : first;
    const auto waiting = pending_.find(prefix + other);
    if (waiting == pending_.end()) {
      pending_.emplace(prefix + name, &tensor);
      return true;
    }
    join(name == first ? tensor : *waiting->second, name == first ? *waiting->second : tensor);
    pending_.erase(waiting);
    return true;
  }

  bool special(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  bool special_linear(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  bool special_gpt_oss(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  void add_mxfp4(const std::string& stem, const std::vector<const TensorInfo*>& in_turns);

  // Rows a and b one below the other, matrix by matrix.
  static Array joined(const Array& a, const Array& b) {
    Array both = a;
    both.shape[both.shape.size() - 2] += b.shape[b.shape.size() - 2];
    both.values.clear();
    const std::size_t matrices = a.shape.size() == 3 ? std::size_t(a.shape[0]) : 1;
    const std::size_t x = a.values.size() / matrices, y = b.values.size() / matrices;
    for (std::size_t m = 0; m < matrices; ++m) {
      both.values.insert(both.values.end(), a.values.begin() + std::ptrdiff_t(m * x),
                         a.values.begin() + std::ptrdiff_t((m + 1) * x));
      both.values.insert(both.values.end(), b.values.begin() + std::ptrdiff_t(m * y),
                         b.values.begin() + std::ptrdiff_t((m + 1) * y));
    }
    return both;
  }

  // Value heads that take turns stand group by group at their origin.
  std::size_t grouped(std::size_t i, std::size_t size) const {
    const auto groups = std::size_t(keys_.number("ssm.group_count"));
    const std::size_t per_group = std::size_t(keys_.number("ssm.time_step_rank")) / groups;
    const std::size_t head = i / size;
    return (head % groups * per_group + head / groups) * size + i % size;
  }
  Array grouped_outputs(const Array& array, std::size_t size, std::size_t skipped = 0) const {
    return outputs_moved(
        array, [&](std::size_t i) { return i < skipped ? i : skipped + grouped(i - skipped, size); });
  }

  const Gguf& file_;
  FileKeys keys_;
  std::string arch_;
  const Origin& origin_;
  HubFolder folder_;
  std::map<std::string, const TensorInfo*> pending_;
};

bool Unconverter::special(const std::string& prefix, const std::string& name, const TensorInfo& tensor) {
  if (name == "exp_probs_b.bias") {
    add(prefix + (base() == "lfm2" ? "feed_forward.expert_bias" : "mlp.gate.e_score_correction_bias"),
        array_of(tensor));
    return true;
  }
  if (arch_ == "gpt-oss") return special_gpt_oss(prefix, name, tensor);
  if (arch_.starts_with("qwen3")) return special_linear(prefix, name, tensor);
  if (arch_ == "granitemoe") {
    const auto join = [&](const char* stem) {
      return [this, prefix, stem](const TensorInfo& gate, const TensorInfo& up) {
        add(prefix + stem, joined(array_of(gate), array_of(up)));
      };
    };
    if (name == "ffn_down_shexp.weight") {
      add(prefix + "shared_mlp.output_linear.weight", array_of(tensor));
      return true;
    }
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   join("block_sparse_moe.input_linear.weight")) ||
           pair_up(prefix, name, "ffn_gate_shexp.weight", "ffn_up_shexp.weight", tensor,
                   join("shared_mlp.input_linear.weight"));
  }
  if (arch_ == "gemma4") {
    const std::map<std::string, std::string> bare = {{"layer_output_scale.weight", "layer_scalar"},
                                                     {"ffn_gate_inp.scale", "router.scale"},
                                                     {"ffn_down_exps.scale", "router.per_expert_scale"},
                                                     {"ffn_gate_up_exps.weight", "experts.gate_up_proj"},
                                                     {"ffn_down_exps.weight", "experts.down_proj"}};
    const auto found = bare.find(name);
    if (found != bare.end()) add(prefix + found->second, array_of(tensor));
    return found != bare.end();
  }
  return pair_up(prefix, name, "attn_k_b.weight", "attn_v_b.weight", tensor,
                 [&](const TensorInfo& key, const TensorInfo& value) {
                   const Array k = array_of(key), v = array_of(value);
                   Array both{{0, v.cols()}, {}};
                   for (std::size_t head = 0; head < std::size_t(k.shape[0]); ++head) {
                     for (const Array& part : {transposed(slice(k, head)), slice(v, head)}) {
                       both.values.insert(both.values.end(), part.values.begin(), part.values.end());
                       both.shape[0] += part.rows();
                     }
                   }
                   add(prefix + "self_attn.kv_b_proj.weight", both);
                 });
}

bool Unconverter::special_linear(const std::string& prefix, const std::string& name,
                                 const TensorInfo& tensor) {
  const std::string to = prefix + "linear_attn.";
  const auto value_size =
      std::size_t(keys_.number("ssm.inner_size") / std::max(1.0, keys_.number("ssm.time_step_rank")));
  const auto key_size = std::size_t(keys_.number("ssm.state_size"));
  const auto groups = std::size_t(keys_.number("ssm.group_count"));
  const std::size_t keys = key_size * groups;
  const bool turns = arch_ != "qwen3next";  // else value heads stand as they are
  Array array = array_of(tensor);
  const auto ordered = [&](const Array& a, std::size_t size, std::size_t skipped) {
    return turns ? grouped_outputs(a, size, skipped) : a;
  };
  if (name == "ssm_a") {
    for (float& x : array.values) x = std::log(-x);
    add(to + "A_log", ordered(array, 1, 0));
  } else if (name == "ssm_dt.bias") {
    add(to + "dt_bias", ordered(array, 1, 0));
  } else if (name == "ssm_conv1d.weight") {
    array = ordered(array, value_size, 2 * keys);
    array.shape.insert(array.shape.begin() + 1, 1);
    add(to + "conv1d.weight", array);
  } else if (turns && (name == "ssm_alpha.weight" || name == "ssm_beta.weight")) {
    add(to + (name == "ssm_alpha.weight" ? "in_proj_a.weight" : "in_proj_b.weight"), ordered(array, 1, 0));
  } else if (turns && name == "ssm_out.weight") {
    add(to + "out_proj.weight", transposed(ordered(transposed(array), value_size, 0)));
  } else if (turns && name == "attn_qkv.weight") {
    add(to + "in_proj_qkv.weight", ordered(array, value_size, 2 * keys));
  } else if (turns && name == "attn_gate.weight") {
    add(to + "in_proj_z.weight", ordered(array, value_size, 0));
  } else if (turns && name.ends_with("_exps.weight")) {  // of all experts at once
    if (name == "ffn_down_exps.weight") {
      add(prefix + "mlp.experts.down_proj", array);
      return true;
    }
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   [&](const TensorInfo& gate, const TensorInfo& up) {
                     add(prefix + "mlp.experts.gate_up_proj", joined(array_of(gate), array_of(up)));
                   });
  } else {
    return arch_ == "qwen3next" &&
           pair_up(
               prefix, name, "attn_qkv.weight", "attn_gate.weight", tensor,
               [&](const TensorInfo& qkv, const TensorInfo& gate) {
                 const Array all = array_of(qkv), z = array_of(gate);
                 const std::size_t values = z.rows() / groups;
                 Array mixed{{0, all.cols()}, {}};
                 for (std::size_t g = 0; g < groups; ++g) {
                   for (const Array& part :
                        {rows_of(all, g * key_size, key_size), rows_of(all, keys + g * key_size, key_size),
                         rows_of(all, 2 * keys + g * values, values), rows_of(z, g * values, values)}) {
                     mixed.values.insert(mixed.values.end(), part.values.begin(), part.values.end());
                     mixed.shape[0] += part.rows();
                   }
                 }
                 add(to + "in_proj_qkvz.weight", mixed);
               });
  }
  return true;
}

// Blocks of the outputs of several tensors in turns; a stored byte has two neighbours, the first in its low
// half.
void Unconverter::add_mxfp4(const std::string& stem, const std::vector<const TensorInfo*>& in_turns) {
  constexpr std::size_t kBlock = 17, kCodes = 16;
  const TensorInfo& first = *in_turns.front();
  const std::uint64_t experts = first.dims[2], outputs = first.dims[1] * in_turns.size(),
                      width = first.dims[0] / 32;
  HubTensor blocks{stem + "_blocks", "U8", {experts, outputs, width, kCodes}, {}};
  HubTensor scales{stem + "_scales", "U8", {experts, outputs, width}, {}};
  for (std::uint64_t row = 0; row < experts * outputs; ++row) {
    const TensorInfo& tensor = *in_turns[std::size_t(row % in_turns.size())];
    for (std::uint64_t i = 0; i < width; ++i) {
      const std::byte* block = tensor.data.data() + (row / in_turns.size() * width + i) * kBlock;
      scales.bytes += char(block[0]);
      const auto code = [&](std::size_t at) {
        const auto byte = std::uint8_t(block[1 + at % kCodes]);
        return at < kCodes ? byte & 0x0F : byte >> 4;
      };
      for (std::size_t at = 0; at < kCodes; ++at) blocks.bytes += char(code(2 * at) | code(2 * at + 1) << 4);
    }
  }
  folder_.tensors.push_back(blocks);
  folder_.tensors.push_back(scales);
}

bool Unconverter::special_gpt_oss(const std::string& prefix, const std::string& name,
                                  const TensorInfo& tensor) {
  const std::string experts = prefix + "mlp.experts.";
  if (name == "attn_sinks.weight") {
    add(prefix + "self_attn.sinks", array_of(tensor));
  } else if (name == "ffn_down_exps.bias") {
    add(experts + "down_proj_bias", array_of(tensor));
  } else if (name == "ffn_down_exps.weight" && tensor.type_id == MXFP4::info.gguf) {
    add_mxfp4(experts + "down_proj", {&tensor});
  } else if (name == "ffn_down_exps.weight") {
    const Array array = array_of(tensor);
    Array turned{{array.shape[0], array.shape[2], array.shape[1]}, {}};
    for (std::size_t e = 0; e < std::size_t(array.shape[0]); ++e) {
      const Array matrix = transposed(slice(array, e));
      turned.values.insert(turned.values.end(), matrix.values.begin(), matrix.values.end());
    }
    add(experts + "down_proj", turned);
  } else if (pair_up(prefix, name, "ffn_gate_exps.bias", "ffn_up_exps.bias", tensor,
                     [&](const TensorInfo& gate, const TensorInfo& up) {
                       const Array g = array_of(gate), u = array_of(up);
                       Array both{{g.shape[0], 2 * g.shape[1]}, {}};
                       for (std::size_t i = 0; i < g.values.size(); ++i)
                         both.values.insert(both.values.end(), {g.values[i], u.values[i]});
                       add(experts + "gate_up_proj_bias", both);
                     })) {
    return true;
  } else {
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   [&](const TensorInfo& gate, const TensorInfo& up) {
                     if (gate.type_id == MXFP4::info.gguf)
                       return add_mxfp4(experts + "gate_up_proj", {&gate, &up});
                     const Array g = array_of(gate), u = array_of(up);
                     Array both{{g.shape[0], g.shape[2], 2 * g.shape[1]}, {}};
                     for (std::size_t e = 0; e < std::size_t(g.shape[0]); ++e) {
                       const Array a = transposed(slice(g, e)), b = transposed(slice(u, e));
                       for (std::size_t i = 0; i < a.values.size(); ++i)
                         both.values.insert(both.values.end(), {a.values[i], b.values[i]});
                     }
                     add(experts + "gate_up_proj", both);
                   });
  }
  return true;
}

}  // namespace

Array array_of(const TensorInfo& tensor) {
  Array array;
  for (int i = tensor.n_dims - 1; i >= 0; --i) array.shape.push_back(tensor.dims[std::size_t(i)]);
  std::size_t count = 1;
  for (const std::uint64_t dim : array.shape) count *= std::size_t(dim);
  array.values.resize(count);
  const FormatId format = FormatId(find_format(tensor.type_id));
  decode_blocks(format, tensor.data.data(), std::int64_t(count) / format_info(format).block_elements,
                array.values.data());
  return array;
}

HubFolder unconvert(const Gguf& file) { return Unconverter(file).run(); }

}  // namespace longhand::test
