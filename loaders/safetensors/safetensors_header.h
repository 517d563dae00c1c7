// The header of a safetensors file as it is written: types, sizes and places are not checked here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhand {

struct HeaderTensor {
  std::string name, type;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // of its bytes, counted from the end of the header
};

/// In the order of the text. Throws Error: corrupt (no JSON, or not of the form
/// {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"KEY": "TEXT"}}),
/// duplicate (a name), limit (more than 2^20 tensors).
std::vector<HeaderTensor> parse_safetensors_header(std::string_view text, const std::string& file);

}  // namespace longhand
