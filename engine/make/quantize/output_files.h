// The files a quantized model is written to.
#pragma once

#include <string>
#include <vector>

#include "engine/make/gguf_output.h"
#include "engine/make/quantize/quantize_plan.h"

namespace longhand {

/// One file of a model: its path, its head, and its tensors, in the order of both.
struct OutputPart {
  std::string path;
  GgufHead head;
  std::vector<const PlannedTensor*> tensors;

  /// Bytes of the file.
  std::uint64_t bytes() const;
};

/// One file, or as many as the source has. `out` is the name of a model; parts have it with their numbers.
std::vector<OutputPart> plan_output(const Gguf& file, const QuantizePlan& plan, const std::string& out,
                                    const QuantizeOptions& options, const ImportanceMatrix* matrix);
/// Throws Error(range) where a part would replace a file of the model `in` it is made from, or the file
/// `importance` if there is one, by whatever name.
void check_names(const Gguf& file, const std::string& in, const std::string& importance,
                 const std::vector<OutputPart>& parts);
/// Throws Error(io) where the disk has too little room for all parts.
void check_room(const std::vector<OutputPart>& parts);

}  // namespace longhand
