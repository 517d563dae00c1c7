// A GGUF file as parts that can be changed and put together again, with counts and offsets that fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/gguf/gguf_writer.h"

namespace longhand::fuzz {

struct GgufParts {
  GgufHead head;
  std::vector<std::string> data;  // (tensors) of each as much as its dimensions ask for

  std::string bytes() const;
};

GgufParts take_apart(const Gguf& file);

}  // namespace longhand::fuzz
