#include "tests/fuzz/gguf_mutator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "loaders/gguf/gguf_values.h"
#include "ops/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/gguf_words.h"
#include "tests/support/all_keys.h"

namespace longhand::fuzz {
namespace {

constexpr std::uint32_t kArray = std::uint32_t(ValueType::array);
constexpr std::size_t kArrayHead = 12;  // element type u32, count u64
constexpr std::uint64_t kMostTensorBytes = 1 << 16;
constexpr std::size_t kMostEntries = 200, kMostTensors = 100;

template <class T>
std::string number_bytes(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return gguf_bytes(T(value));
  } else {
    constexpr double kLow = double(std::numeric_limits<T>::min());
    constexpr double kHigh = double(std::numeric_limits<T>::max());
    if (!(value > kLow)) return gguf_bytes(std::numeric_limits<T>::min());
    if (value >= kHigh) return gguf_bytes(std::numeric_limits<T>::max());
    return gguf_bytes(T(value));
  }
}

class Mutator {
 public:
  Mutator(GgufParts& parts, Random& random, const ByteMutator& bytes)
      : parts_(parts), random_(random), bytes_(bytes) {}

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  template <class List>
  auto& pick(List& list) {
    return list[below(std::size(list))];
  }

 public:
  /// One change, of whatever kind.
  void change() {
    auto& entries = parts_.head.entries;
    auto& tensors = parts_.head.tensors;
    switch (below(16)) {
      case 0:
        if (!entries.empty()) entries.erase(entries.begin() + long(below(entries.size())));
        break;
      case 1:
        if (!tensors.empty()) drop(below(tensors.size()));
        break;
      case 2:
      case 3:
        if (entries.size() < kMostEntries) add_entry();
        break;
      case 4:
        if (tensors.size() < kMostTensors) add_tensor();
        break;
      case 5:
        align();
        break;
      case 6:
      case 7:
        if (!tensors.empty()) change_tensor(below(tensors.size()));
        break;
      case 8:
        if (!tensors.empty()) change_data(below(tensors.size()));
        break;
      case 9:
        if (!entries.empty()) retype(pick(entries));
        break;
      default:
        if (!entries.empty()) change_value(pick(entries));
        break;
    }
  }

 private:
  // --- values -----------------------------------------------------------------------------------------

  double number() { return pick(kNumbers); }

  std::string text() { return below(4) != 0 ? std::string(pick(kTexts)) : bytes_(pick(kTexts), 64); }

  // A value of `type` (no array) that is like `number` where it is one.
  std::string encoded(ValueType type, double number) {
    switch (type) {
      case ValueType::u8:
        return number_bytes<std::uint8_t>(number);
      case ValueType::i8:
        return number_bytes<std::int8_t>(number);
      case ValueType::u16:
        return number_bytes<std::uint16_t>(number);
      case ValueType::i16:
        return number_bytes<std::int16_t>(number);
      case ValueType::u32:
        return number_bytes<std::uint32_t>(number);
      case ValueType::i32:
        return number_bytes<std::int32_t>(number);
      case ValueType::f32:
        return gguf_bytes(float(number));
      case ValueType::boolean:
        return std::string(1, number != 0 ? '\1' : '\0');
      case ValueType::u64:
        return number_bytes<std::uint64_t>(number);
      case ValueType::i64:
        return number_bytes<std::int64_t>(number);
      case ValueType::f64:
        return gguf_bytes(number);
      default:
        return gguf_bytes(text());
    }
  }

  std::string encoded_array(ValueType element, std::size_t count) {
    std::string value = gguf_bytes(element) + gguf_bytes(std::uint64_t{count});
    const double same = number();
    for (std::size_t i = 0; i < count; ++i) value += encoded(element, below(4) == 0 ? number() : same);
    return value;
  }

  // The file's value of one of the row's own types, mostly in its range.
  GgufEntry row_value(const KeySpec& row, std::string key) {
    const auto in_range = [&] {
      const double span = std::min(row.max - row.min, 64.0);
      return below(4) == 0 ? number() : row.min + std::floor(double(below(1000)) / 999 * span);
    };
    const auto scalar = [&](ValueType type) {
      return GgufEntry{std::move(key), std::uint32_t(type), encoded(type, in_range())};
    };
    const auto array = [&](ValueType element) {
      return GgufEntry{std::move(key), kArray, encoded_array(element, below(9))};
    };
    switch (row.type) {
      case KeyType::integer:
        return scalar(below(2) == 0 ? ValueType::u32 : ValueType::i32);
      case KeyType::number:
        return scalar(ValueType::f32);
      case KeyType::boolean:
        return scalar(ValueType::boolean);
      case KeyType::string:
        return scalar(ValueType::string);
      case KeyType::integers:
        return below(2) == 0 ? scalar(ValueType::u32) : array(ValueType::i32);
      case KeyType::numbers:
        return array(ValueType::f32);
      case KeyType::strings:
        return array(ValueType::string);
      default:
        return array(ValueType::u8);
    }
  }

  // --- entries ----------------------------------------------------------------------------------------

  std::string architecture() {
    for (const GgufEntry& entry : parts_.head.entries)
      if (entry.key == key::architecture.name && entry.value.size() >= 8) return entry.value.substr(8);
    return "llama";
  }

  std::string name_of(const KeySpec& row) {
    std::string name(row.name);
    if (name.starts_with("%s")) name.replace(0, 2, architecture());
    return name;
  }

  void add_entry() {
    const KeySpec& row = *pick(test::kAllKeys);
    GgufEntry entry = row_value(row, name_of(row));
    auto& entries = parts_.head.entries;
    const auto old = std::ranges::find(entries, entry.key, &GgufEntry::key);
    if (old == entries.end()) {
      entries.push_back(std::move(entry));
    } else {
      *old = std::move(entry);
    }
  }

  void retype(GgufEntry& entry) {
    const auto type = ValueType(below(13));
    if (type == ValueType::array) {
      const auto element = ValueType(below(9));
      entry = {entry.key, kArray, encoded_array(element, below(9))};
    } else {
      entry = {entry.key, std::uint32_t(type), encoded(type, number())};
    }
  }

  void change_value(GgufEntry& entry) {
    const auto type = ValueType(entry.type);
    if (type == ValueType::array) return change_array(entry);
    if (type == ValueType::string) {
      entry.value = gguf_bytes(below(2) == 0 ? text() : bytes_(entry.value.substr(8), 4096));
    } else {
      entry.value = encoded(type, number());
    }
  }

  void change_array(GgufEntry& entry) {
    std::vector<std::string> items = elements(entry);
    std::uint32_t id = 0;
    std::memcpy(&id, entry.value.data(), sizeof id);
    const auto element = ValueType(id);
    switch (below(5)) {
      case 0:
        if (!items.empty()) items.erase(items.begin() + long(below(items.size())));
        break;
      case 1:
        items.insert(items.begin() + long(below(items.size() + 1)), encoded(element, number()));
        break;
      case 2:
        if (!items.empty()) items.resize(below(items.size()));
        break;
      case 3:
        if (items.size() > 1) std::swap(pick(items), pick(items));
        break;
      default:
        if (items.empty()) break;
        std::string& item = pick(items);
        item = element == ValueType::string && below(2) == 0 ? gguf_bytes(bytes_(item.substr(8), 256))
                                                             : encoded(element, number());
    }
    entry.value = gguf_bytes(element) + gguf_bytes(std::uint64_t{items.size()});
    for (const std::string& item : items) entry.value += item;
  }

  // The encoded elements of an array that a reader has accepted.
  static std::vector<std::string> elements(const GgufEntry& entry) {
    std::uint32_t id = 0;
    std::uint64_t count = 0;
    std::memcpy(&id, entry.value.data(), sizeof id);
    std::memcpy(&count, entry.value.data() + sizeof id, sizeof count);
    std::vector<std::string> items;
    for (std::size_t at = kArrayHead; items.size() < count;) {
      std::size_t bytes = value_type_bytes(ValueType(id));
      if (ValueType(id) == ValueType::string) {
        std::uint64_t length = 0;
        std::memcpy(&length, entry.value.data() + at, sizeof length);
        bytes = sizeof length + length;
      }
      items.push_back(entry.value.substr(at, bytes));
      at += bytes;
    }
    return items;
  }

  // --- tensors ----------------------------------------------------------------------------------------

  void drop(std::size_t i) {
    parts_.head.tensors.erase(parts_.head.tensors.begin() + long(i));
    parts_.data.erase(parts_.data.begin() + long(i));
  }

  std::string tensor_name() {
    std::string name = pick(tensor_words());
    const bool top = name.starts_with("token") || name.starts_with("output") || name.starts_with("rope");
    return top ? name : "blk." + std::to_string(below(3)) + "." + name;
  }

  void add_tensor() {
    GgufHead::Tensor tensor;
    tensor.name = tensor_name();
    constexpr std::uint64_t kDims[] = {1, 2, 4, 8, 16, 20, 32, 64, 128, 256};
    for (std::size_t i = below(3) + 1; i > 0; --i) tensor.dims.push_back(pick(kDims));
    tensor.type = below(2) == 0 ? 0 : std::uint32_t(below(40));
    std::erase_if(tensor.dims, [](std::uint64_t d) { return d == 0; });
    parts_.head.tensors.push_back(std::move(tensor));
    parts_.data.emplace_back();
    fit(parts_.head.tensors.size() - 1);
  }

  void change_tensor(std::size_t i) {
    GgufHead::Tensor& tensor = parts_.head.tensors[i];
    switch (below(6)) {
      case 0:
        tensor.name = tensor_name();
        break;
      case 1:
        tensor.type = std::uint32_t(below(42));
        break;
      case 2:
        std::swap(pick(tensor.dims), pick(tensor.dims));
        break;
      case 3:
        if (tensor.dims.size() < 4) tensor.dims.push_back(1 + below(3));
        break;
      case 4:
        if (tensor.dims.size() > 1) tensor.dims.pop_back();
        break;
      default: {
        std::uint64_t& dim = pick(tensor.dims);
        constexpr double kFactors[] = {0.5, 2, 3, 0.25, 8};
        dim = below(2) == 0 ? dim + below(3) - 1 : std::uint64_t(double(dim) * pick(kFactors));
        dim = std::clamp<std::uint64_t>(dim, 1, 1 << 20);
      }
    }
    fit(i);
  }

  void change_data(std::size_t i) {
    std::string& data = parts_.data[i];
    if (data.empty()) return;
    const std::size_t size = data.size(), at = below(size);
    constexpr const char* kSpecial[] = {"\xFF\xFF\xFF\xFF", "\x7F\x80\x80\x7F", "\0\0\x80\x7F",
                                        "\0\x7C\0\xFC"};
    if (below(2) == 0) {
      data.replace(at, std::min<std::size_t>(4, size - at), pick(kSpecial),
                   std::min<std::size_t>(4, size - at));
    } else {
      data = bytes_(data, size);
      data.resize(size);
    }
  }

  // Data of the size that dimensions and type ask for, from what is there; dims shrink where that is too
  // much.
  void fit(std::size_t i) {
    GgufHead::Tensor& tensor = parts_.head.tensors[i];
    const TensorTypeInfo* type = known_tensor_type(tensor.type);
    if (type == nullptr) return;  // to be refused
    if (below(8) != 0) {
      const std::uint64_t block = type->block_elements;
      tensor.dims[0] = std::max<std::uint64_t>(1, tensor.dims[0] / block) * block;
    }
    std::uint64_t bytes =
        std::max<std::uint64_t>(1, tensor.dims[0] / type->block_elements) * type->block_bytes;
    for (std::size_t d = 1; d < tensor.dims.size(); ++d) {
      if (bytes * tensor.dims[d] > kMostTensorBytes) tensor.dims[d] = 1;
      bytes *= tensor.dims[d];
    }
    if (bytes > kMostTensorBytes) return;
    const std::string old = parts_.data[i];
    parts_.data[i].resize(bytes);
    for (std::size_t at = old.size(); at < bytes && !old.empty(); ++at)
      parts_.data[i][at] = old[at % old.size()];
    tensor.bytes = bytes;
  }

  void align() {
    constexpr std::uint32_t kAlignments[] = {1, 2, 8, 16, 32, 64, 256};
    const std::uint32_t bytes = pick(kAlignments);
    auto& entries = parts_.head.entries;
    std::erase_if(entries, [](const GgufEntry& e) { return e.key == key::alignment.name; });
    entries.push_back(gguf_entry(std::string(key::alignment.name), bytes));
    parts_.head.alignment = bytes;
  }

  GgufParts& parts_;
  Random& random_;
  const ByteMutator& bytes_;
};

std::optional<GgufParts> parts_of(std::string_view file) {
  try {
    return take_apart(Gguf::parse(as_bytes(file), "input.gguf"));
  } catch (const Error&) { return std::nullopt; }
}

}  // namespace

std::string mutate_gguf(std::string_view file, std::size_t most, Random& random, const ByteMutator& bytes) {
  std::optional<GgufParts> parts = parts_of(file);
  constexpr unsigned kRaw = 20;  // one in so many changes is one of bytes, and the container may break
  if (!parts || random() % kRaw == 0) return bytes(std::string(file), most);
  Mutator mutator(*parts, random, bytes);
  for (auto changes = 1 + random() % 3; changes > 0; --changes) mutator.change();
  std::string changed = parts->bytes();
  return changed.size() <= most ? changed : std::string(file);
}

std::string cross_gguf(std::string_view a, std::string_view b, Random& random) {
  std::optional<GgufParts> left = parts_of(a), right = parts_of(b);
  if (!left || !right) return std::string(a);
  if (random() % 2 == 0) {
    left->head.tensors = right->head.tensors;
    left->data = right->data;
  } else if (!right->head.entries.empty()) {
    const GgufEntry& entry = right->head.entries[random() % right->head.entries.size()];
    std::erase_if(left->head.entries, [&](const GgufEntry& e) { return e.key == entry.key; });
    left->head.entries.push_back(entry);
  }
  return left->bytes();
}

}  // namespace longhand::fuzz
