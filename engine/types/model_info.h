// What a model is, for showing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace longhand {

struct ModelInfo {
  std::string name;          // general.name or the file's name
  std::string architecture;  // "llama"
  std::string type;          // most common tensor type, "Q4_K"
  std::string isa;           // kernels in use
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  int vocab = 0, trained_context = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0;
  std::vector<std::string> warnings;  // oddities of the file worth telling once
};

}  // namespace longhand
