#include "tests/support/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

namespace longhand::test {
namespace {

constexpr std::uint64_t kVocab = 300;
constexpr std::uint32_t kQ8_0 = 8;

// Text of the 256 byte tokens of byte-level BPE, in the order of their code points.
std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  const auto add = [&](unsigned code) {
    tokens.push_back(code < 0x80 ? std::string{char(code)}
                                 : std::string{char(0xC0 | code >> 6), char(0x80 | (code & 63))});
  };
  for (unsigned c = 0x21; c <= 0x7E; ++c) add(c);
  for (unsigned c = 0xA1; c <= 0xAC; ++c) add(c);
  for (unsigned c = 0xAE; c <= 0xFF; ++c) add(c);
  for (unsigned c = 0x100; c < 0x144; ++c) add(c);
  return tokens;
}

std::string random_q8_0(std::uint64_t weights, std::mt19937& random) {
  std::string data;
  for (std::uint64_t block = 0; block < weights / 32; ++block) {
    data += encode(std::uint16_t{0x1C00});  // scale 2^-8
    for (int i = 0; i < 32; ++i) data += char(std::uniform_int_distribution<int>(-127, 127)(random));
  }
  return data;
}

template <class List>
auto& named(List& list, const std::string& name,
            std::string std::remove_reference_t<decltype(list[0])>::*member) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.*member == name; });
  if (found == list.end()) throw std::out_of_range(name);
  return *found;
}

}  // namespace

GgufWriter tiny_llama() {
  std::mt19937 random(1);
  return tiny_llama({32, 64, kQ8_0, [&](std::uint64_t cols, std::uint64_t rows) {
                       return random_q8_0(cols * rows, random);
                     }});
}

GgufWriter tiny_llama(const LlamaShape& shape) {
  const std::uint64_t hidden = shape.hidden, ff = shape.ff;
  GgufWriter w;
  w.add("general.architecture", "llama");
  w.add("general.name", "tiny");
  w.add("llama.context_length", std::uint32_t{128});
  w.add("llama.embedding_length", std::uint32_t(hidden));
  w.add("llama.block_count", std::uint32_t{2});
  w.add("llama.feed_forward_length", std::uint32_t(ff));
  w.add("llama.attention.head_count", std::uint32_t{4});
  w.add("llama.attention.head_count_kv", std::uint32_t{2});
  w.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  w.add("llama.rope.dimension_count", std::uint32_t(hidden / 4));
  w.add("llama.rope.freq_base", 10000.0f);
  w.add("tokenizer.ggml.model", "gpt2");
  w.add("tokenizer.ggml.pre", "smollm");
  auto tokens = byte_tokens();
  std::vector<std::string> merges;
  for (const char* pair : {"a b", "c d", "e f"}) {
    merges.emplace_back(pair);
    tokens.push_back({pair[0], pair[2]});
  }
  while (tokens.size() < kVocab - 4) tokens.push_back(fmt::format("<unused{}>", tokens.size()));
  tokens.emplace_back("<think>");
  tokens.emplace_back("</think>");
  tokens.emplace_back("<|im_start|>");
  tokens.emplace_back("<|im_end|>");
  std::vector<std::int32_t> types(kVocab, 1);
  std::fill(types.end() - 4, types.end(), 3);  // control
  w.add_array("tokenizer.ggml.tokens", tokens);
  w.add_array("tokenizer.ggml.token_type", types);
  w.add_array("tokenizer.ggml.merges", merges);
  w.add("tokenizer.ggml.bos_token_id", std::uint32_t{kVocab - 2});
  w.add("tokenizer.ggml.eos_token_id", std::uint32_t{kVocab - 1});

  const auto ones = [&](const std::string& name) {
    w.tensor(name, {hidden}, std::vector<float>(hidden, 1.0f));
  };
  const auto matrix = [&](const std::string& name, std::uint64_t in, std::uint64_t out) {
    w.tensor(name, {in, out}, shape.type, shape.matrix(in, out));
  };
  matrix("token_embd.weight", hidden, kVocab);
  ones("output_norm.weight");
  for (int il = 0; il < 2; ++il) {
    const std::string p = fmt::format("blk.{}.", il);
    ones(p + "attn_norm.weight");
    matrix(p + "attn_q.weight", hidden, hidden);
    matrix(p + "attn_k.weight", hidden, hidden / 2);
    matrix(p + "attn_v.weight", hidden, hidden / 2);
    matrix(p + "attn_output.weight", hidden, hidden);
    ones(p + "ffn_norm.weight");
    matrix(p + "ffn_gate.weight", hidden, ff);
    matrix(p + "ffn_up.weight", hidden, ff);
    matrix(p + "ffn_down.weight", ff, hidden);
  }
  return w;
}

GgufWriter::Entry& entry(GgufWriter& w, const std::string& key) {
  return named(w.entries, key, &GgufWriter::Entry::key);
}
GgufWriter::Tensor& tensor(GgufWriter& w, const std::string& name) {
  return named(w.tensors, name, &GgufWriter::Tensor::name);
}

}  // namespace longhand::test
