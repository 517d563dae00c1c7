#include "cli/models/tensor_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/terminal/output.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand::cli {

void dump_tensor(const Gguf& file, const std::string& name, const std::string& path) {
  const TensorInfo* tensor = file.find_tensor(name);
  if (tensor == nullptr)
    throw Error(Errc::missing, fmt::format("{}: no tensor named '{}'", file.name(), name));
  const TensorTypeInfo& type = *known_tensor_type(tensor->type_id);
  const int format = find_format(tensor->type_id);
  if (format < 0) {
    throw Error(Errc::unsupported, fmt::format("{}: tensor '{}' is {}, which this build does not decode",
                                               file.name(), name, type.name));
  }

  // A slice at a time: a big embedding would be gigabytes of floats.
  constexpr std::size_t kSliceElements = std::size_t{1} << 20;
  const std::size_t slice_blocks = std::max<std::size_t>(1, kSliceElements / type.block_elements);
  const std::size_t blocks = tensor->data.size() / type.block_bytes;
  std::vector<float> values(slice_blocks * type.block_elements);
  OutputFile out(path);
  for (std::size_t block = 0; block < blocks; block += slice_blocks) {
    const std::size_t count = std::min(slice_blocks, blocks - block);
    decode_blocks(FormatId(format), tensor->data.data() + block * type.block_bytes, std::int64_t(count),
                  values.data());
    out.write(std::as_bytes(std::span(values.data(), count * type.block_elements)));
  }
  out.finish();
}

}  // namespace longhand::cli
