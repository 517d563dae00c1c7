// Safetensors files from raw bytes: what parses lies within the file, without gaps, and has the bytes of its
// shape.
#include "loaders/safetensors/safetensors.h"

#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {

void run(std::string_view input) {
  accepts([&] {
    const std::byte* end = nullptr;
    for (const StoredTensor& tensor : parse_safetensors(as_bytes(input), "fuzz")) {
      std::uint64_t bytes = stored_type_bytes(tensor.type);
      for (const std::uint64_t dimension : tensor.shape) bytes *= dimension;
      check(bytes == tensor.data.size(), "a tensor has the bytes of its shape");
      check(!end || tensor.data.data() == end, "tensors follow one another");
      end = tensor.data.data() + tensor.data.size();
    }
    check(!end || end == as_bytes(input).data() + input.size(), "tensors fill the file");
  });
}

}  // namespace longhand::fuzz
