// Which tensors a GGUF file of a model has, and what each is made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/make/convert/family.h"
#include "loaders/gguf/gguf_writer.h"

namespace longhand {

struct OutputTensor {
  std::string name;
  TensorRows rows;
  FormatId format = kFormatF32;

  std::uint64_t row_bytes() const noexcept;
  std::uint64_t bytes() const noexcept { return rows.rows() * row_bytes(); }
  std::vector<std::uint64_t> dims() const;  // dims[0] is contiguous
};

struct TensorPlan {
  std::vector<OutputTensor> tensors;
  std::vector<std::string> notes;  // what was left out or written otherwise
};

/// Every stored tensor goes somewhere, or is left out because the model that continues texts does not need
/// it. Matrices get the type `wanted`; norms, biases and other small ones F32, and what is stored in blocks
/// keeps them; columns that are no whole blocks of Q8_0 become F16. Throws Error: unsupported (a tensor that
/// nothing claims), missing, shape.
TensorPlan plan_tensors(const Family& family, const HubConfig& config, TensorSource& source, FormatId wanted);

/// The tensors must be those that a model of these numbers has. Throws Error (missing, shape), and as
/// load_config().
void check_against_architecture(const TensorPlan& plan, const GgufHead& head);

}  // namespace longhand
