// The GGUF container, from raw bytes: what parses lies within the file, and is written and read back the
// same.
#include "loaders/gguf/gguf.h"

#include <algorithm>

#include "loaders/gguf/gguf_writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/gguf_parts.h"
#include "tests/support/all_keys.h"

namespace longhand::fuzz {
namespace {

void check_inside(std::string_view file, std::span<const std::byte> range) {
  if (range.empty()) return;
  const auto* begin = reinterpret_cast<const std::byte*>(file.data());
  check(range.data() >= begin && range.data() + range.size() <= begin + file.size(), "views lie in the file");
}

void check_size(const TensorInfo& tensor) {
  const TensorTypeInfo* type = known_tensor_type(tensor.type_id);
  check(type != nullptr && tensor.n_dims >= 1 && tensor.n_dims <= 4,
        "a tensor has a known type and 1..4 dims");
  __extension__ using Wide = unsigned __int128;
  Wide elements = 1;
  for (const std::uint64_t dim : tensor.dims) {
    check(dim >= 1, "dimensions are positive");
    elements *= dim;
  }
  check(tensor.dims[0] % type->block_elements == 0, "rows are whole blocks");
  check(tensor.dims[1] % type->rows == 0, "interleaved rows are whole groups");
  check(tensor.data.size() ==
            elements / type->block_elements * type->block_bytes + elements / tensor.dims[0] * type->row_head,
        "a tensor has its size");
}

// All readers must either answer or refuse: which, depends on the row of the key table.
void read_all(const Gguf& file) {
  for (const KeySpec* key : test::kAllKeys) {
    accepts([&] {
      switch (key->type) {
        case KeyType::integer:
          static_cast<void>(file.get_int(*key));
          break;
        case KeyType::number:
          static_cast<void>(file.get_float(*key));
          break;
        case KeyType::boolean:
          static_cast<void>(file.get_bool(*key));
          break;
        case KeyType::string:
          static_cast<void>(file.get_string(*key));
          break;
        case KeyType::integers:
          static_cast<void>(file.get_ints(*key));
          break;
        case KeyType::numbers:
          static_cast<void>(file.get_floats(*key));
          break;
        case KeyType::strings:
          static_cast<void>(file.get_strings(*key));
          break;
        case KeyType::bytes:
          static_cast<void>(file.get_bytes(*key));
          break;
      }
    });
  }
}

void check_round_trip(const Gguf& file, std::string_view bytes) {
  const GgufParts parts = take_apart(file);
  const std::string again = parts.bytes();
  const Gguf copy = Gguf::parse(as_bytes(again), "again");
  check(std::ranges::equal(file.metadata(), copy.metadata(),
                           [](const MetaEntry& a, const MetaEntry& b) {
                             return a.key == b.key && a.type == b.type && a.element == b.element &&
                                    a.count == b.count && std::ranges::equal(a.data, b.data);
                           }),
        "metadata is read as it was written");
  check(std::ranges::equal(file.tensors(), copy.tensors(),
                           [](const TensorInfo& a, const TensorInfo& b) {
                             return a.name == b.name && a.dims == b.dims && a.n_dims == b.n_dims &&
                                    a.type_id == b.type_id && std::ranges::equal(a.data, b.data);
                           }),
        "tensors are read as they were written");
  check(again == take_apart(copy).bytes(), "writing is the inverse of reading");
  static_cast<void>(bytes);
}

}  // namespace

void run(std::string_view input) {
  accepts([&] {
    const Gguf file = Gguf::parse(as_bytes(input), "input.gguf");
    for (const MetaEntry& entry : file.metadata()) {
      check_inside(input, entry.data);
      check(file.find(entry.key) == &entry, "an entry is found by its key");
    }
    for (const TensorInfo& tensor : file.tensors()) {
      check_inside(input, tensor.data);
      check_size(tensor);
      check(file.find_tensor(tensor.name) == &tensor, "a tensor is found by its name");
    }
    read_all(file);
    check_round_trip(file, input);
  });
}

}  // namespace longhand::fuzz
