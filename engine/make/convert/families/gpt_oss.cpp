// gpt-oss, whose experts are stored in MXFP4.
#include <fmt/format.h>

#include <algorithm>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

constexpr std::size_t kCodes = 16;  // bytes with the 32 codes of a block
constexpr std::size_t kBlock = 1 + kCodes;
constexpr std::byte kNanScale{0xFF};

// A stored byte has two neighbours, the first in its low half; a block of GGUF has number i beside number i
// + 16.
void put_codes(const std::byte* stored, std::byte* block) {
  const auto code = [&](std::size_t i) {
    const auto pair = std::uint8_t(stored[i / 2]);
    return i % 2 == 0 ? pair & 0x0F : pair >> 4;
  };
  for (std::size_t i = 0; i < kCodes; ++i) block[i] = std::byte(code(i) | code(i + kCodes) << 4);
}

[[noreturn]] void fail_shape(const StoredTensor& tensor, std::string_view what) {
  throw Error(Errc::shape, fmt::format("tensor '{}': {} [{}], must be {}", tensor.name,
                                       stored_type_name(tensor.type), fmt::join(tensor.shape, ", "), what));
}

/// Rows first, first + step, ... of the blocks (experts, outputs, blocks of a row, 16) and scales (experts,
/// outputs, blocks of a row).
TensorRows mxfp4_rows(const RuleContext& at, std::uint64_t first, std::uint64_t step) {
  const StoredTensor& codes = at.tensor;
  const StoredTensor& scales = at.source.beside(codes, "_blocks", "_scales");
  at.source.take(codes);
  const bool blocks = codes.type == StoredType::u8 && codes.shape.size() == 4 && codes.shape[3] == kCodes &&
                      !codes.data.empty() && codes.shape[1] % step == 0;
  if (!blocks) fail_shape(codes, fmt::format("U8 [experts, outputs, blocks, {}]", kCodes));
  if (scales.type != StoredType::u8 || !std::ranges::equal(scales.shape, std::span(codes.shape).first(3)))
    fail_shape(scales, "U8 with a scale for each block");
  const std::uint64_t height = codes.shape[1], count = height / step, width = codes.shape[2];
  TensorRows rows;
  rows.shape = {codes.shape[0], count, 2 * kCodes * width};
  rows.from = {&codes, &scales};
  rows.blocks = FormatId(find_format(MXFP4::info.gguf));
  rows.read_blocks = [=, codes = codes.data.data(), scales = scales.data.data()](std::uint64_t row,
                                                                                 std::byte* out) {
    const std::uint64_t source = row / count * height + first + row % count * step;
    bool finite = true;
    for (std::uint64_t i = 0; i < width; ++i, out += kBlock) {
      *out = scales[source * width + i];
      finite = finite && *out != kNanScale;
      put_codes(codes + (source * width + i) * kCodes, out + 1);
    }
    return finite;
  };
  return rows;
}

TensorRows down_blocks(TensorRows, const RuleContext& at) { return mxfp4_rows(at, 0, 1); }
TensorRows gate_blocks(TensorRows, const RuleContext& at) { return mxfp4_rows(at, 0, 2); }
TensorRows up_blocks(TensorRows, const RuleContext& at) { return mxfp4_rows(at, 1, 2); }

// Outputs of gate and up take turns.
TensorRows every_other(TensorRows rows, std::uint64_t first) {
  const std::uint64_t count = output_count(rows) / 2;
  return with_outputs(std::move(rows), steps(first, count, 2));
}
TensorRows gate_outputs(TensorRows rows, const RuleContext&) {
  return every_other(transposed(std::move(rows)), 0);
}
TensorRows up_outputs(TensorRows rows, const RuleContext&) {
  return every_other(transposed(std::move(rows)), 1);
}
TensorRows down_outputs(TensorRows rows, const RuleContext&) { return transposed(std::move(rows)); }
TensorRows gate_bias(TensorRows rows, const RuleContext&) {
  const std::uint64_t count = rows.cols() / 2;
  return with_columns(std::move(rows), steps(0, count, 2));
}
TensorRows up_bias(TensorRows rows, const RuleContext&) {
  const std::uint64_t count = rows.cols() / 2;
  return with_columns(std::move(rows), steps(1, count, 2));
}

constexpr TensorRule kLayerRules[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"self_attn.sinks", "attn_sinks.weight"},
    {"mlp.router", "ffn_gate_inp"},
    {"mlp.experts.gate_up_proj_blocks", "ffn_gate_exps.weight", gate_blocks, true},
    {"mlp.experts.gate_up_proj_blocks", "ffn_up_exps.weight", up_blocks, true},
    {"mlp.experts.down_proj_blocks", "ffn_down_exps.weight", down_blocks, true},
    {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", gate_outputs},
    {"mlp.experts.gate_up_proj", "ffn_up_exps.weight", up_outputs},
    {"mlp.experts.down_proj", "ffn_down_exps.weight", down_outputs},
    {"mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", gate_bias},
    {"mlp.experts.gate_up_proj_bias", "ffn_up_exps.bias", up_bias},
    {"mlp.experts.down_proj_bias", "ffn_down_exps.bias"},
};

void gpt_oss_keys(const HubConfig& config, ModelKeys& keys) {
  keys.count("attention.sliding_window", config.count("sliding_window"));
  keys.count("expert_feed_forward_length", config.count("intermediate_size"));
}

constexpr std::string_view kGptOss[] = {"GptOssForCausalLM"};

constexpr Family kFamilies[] = {
    {.classes = kGptOss, .architecture = "gpt-oss", .layer_rules = kLayerRules, .keys = gpt_oss_keys},
};

}  // namespace

std::span<const Family> gpt_oss_converters() noexcept { return kFamilies; }

}  // namespace longhand
