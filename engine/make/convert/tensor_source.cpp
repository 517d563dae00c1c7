#include "engine/make/convert/tensor_source.h"

#include <fmt/format.h>

#include <string>

namespace longhand {

TensorSource::TensorSource(const SafetensorsFolder& folder, const HubConfig& config) : folder_(folder) {
  const HubConfig quantized = config.object("quantization_config");
  const std::string method = quantized.find_text("quant_method").value_or("");
  needs_scales_ = method == "fp8";
  if (!method.empty() && method != "fp8" && method != "mxfp4") {
    quantized.fail(
        Errc::unsupported, "quant_method",
        fmt::format(
            "weights quantized by '{}' are not converted, must be fp8 or mxfp4; the model before it was "
            "quantized can be",
            method));
  }
  const std::vector<std::int64_t> block = quantized.counts("weight_block_size");
  if (block.empty()) return;
  if (block.size() != 2 || block[0] == 0 || block[1] == 0)
    quantized.fail(Errc::range, "weight_block_size", "must be two numbers of at least 1");
  block_rows_ = std::uint64_t(block[0]);
  block_cols_ = std::uint64_t(block[1]);
}

TensorRows TensorSource::rows(const StoredTensor& tensor) {
  take(tensor);
  TensorRows rows = stored_rows(tensor);
  const StoredTensor* scales = folder_.find(tensor.name + "_scale_inv");
  const bool is_f8 = tensor.type == StoredType::f8_e4m3 || tensor.type == StoredType::f8_e5m2;
  if (!scales && is_f8 && needs_scales_)
    throw Error(Errc::missing, fmt::format("tensor '{}' is there, but not its '_scale_inv'",
                                           escape_controls(tensor.name, 200)));
  if (!scales) return rows;
  take(*scales);
  TensorRows factors = stored_rows(*scales);
  if (block_rows_ != 0) return scaled_rows(std::move(rows), std::move(factors), block_rows_, block_cols_);
  // One for the whole tensor, or (outputs, 1).
  const std::uint64_t height = output_count(rows), width = rows.cols();
  if (factors.shape == std::vector<std::uint64_t>{1}) factors = reshaped(std::move(factors), {1, 1});
  const std::uint64_t block = factors.rows() == 1 ? height : 1;
  return scaled_rows(std::move(rows), std::move(factors), block, width);
}

const StoredTensor& TensorSource::beside(const StoredTensor& tensor, std::string_view old_ending,
                                         std::string_view ending) {
  std::string name = tensor.name;
  if (name.ends_with(old_ending)) name.resize(name.size() - old_ending.size());
  name += ending;
  const StoredTensor* other = folder_.find(name);
  if (!other)
    throw Error(Errc::missing, fmt::format("tensor '{}' is there, but not '{}'",
                                           escape_controls(tensor.name, 200), escape_controls(name, 200)));
  take(*other);
  return *other;
}

}  // namespace longhand
