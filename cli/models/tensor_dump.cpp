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
  const auto cols = std::size_t(tensor->dims[0]);
  const std::size_t row_bytes = longhand::row_bytes(FormatId(format), std::int64_t(cols));
  const std::size_t rows = tensor->data.size() / row_bytes;
  const std::size_t slice_rows = std::max<std::size_t>(1, kSliceElements / cols);
  std::vector<float> values(std::min(rows, slice_rows) * cols);
  OutputFile out(path);
  for (std::size_t row = 0; row < rows; row += slice_rows) {
    const std::size_t count = std::min(slice_rows, rows - row);
    decode_rows(FormatId(format), tensor->data.data() + row * row_bytes, std::int64_t(count),
                std::int64_t(cols), values.data());
    out.write(std::as_bytes(std::span(values.data(), count * cols)));
  }
  out.finish();
}

}  // namespace longhand::cli
