#include "loaders/gguf.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "loaders/gguf_part.h"
#include "loaders/gguf_reader.h"
#include "loaders/gguf_values.h"
#include "loaders/mapped_file.h"
#include "loaders/split_name.h"
#include "ops/error.h"

namespace longhand {
namespace {

using TensorIndex = NameIndex<TensorInfo, &TensorInfo::name>;

std::int64_t split_count(const GgufPart& part) { return part_integer(part, key::split_count).value_or(1); }

// `part` must say of itself that it is number `no` (0-based) of `count`.
void check_part(const GgufPart& part, std::int64_t no, std::int64_t count) {
  const std::int64_t own_no = part_integer(part, key::split_no).value_or(-1);
  const std::int64_t own_count = part_integer(part, key::split_count).value_or(-1);
  if (own_no == no && own_count == count) return;
  throw Error(Errc::mismatch, fmt::format("{}: split.no is {} of split.count {}, must be {} of {}",
                                          quote(part.name), own_no, own_count, no, count));
}

}  // namespace

struct Gguf::Impl {
  explicit Impl(std::span<const std::byte> file, const std::string& name)
      : head(parse_gguf_part(file, name, 0)) {
    part_names.push_back(head.name);
    tensors = std::move(head.tensors);
    file_bytes = file.size();
    architecture = read_architecture();
  }

  void add_part(MappedFile mapping, const std::string& name, std::int64_t count);
  void finish();

  std::string_view read_architecture() const {
    const MetaEntry* entry = find(key::architecture);
    return entry != nullptr ? MetaValue(*entry, key::architecture, head.name).string() : std::string_view{};
  }
  std::string full_name(const KeySpec& key) const {
    const std::size_t at = key.name.find("%s");
    if (at == std::string_view::npos) return std::string(key.name);
    return fmt::format("{}{}{}", key.name.substr(0, at), architecture, key.name.substr(at + 2));
  }
  const MetaEntry* find(const KeySpec& key) const { return head.keys.find(head.metadata, full_name(key)); }
  MetaValue value(const MetaEntry& entry, const KeySpec& key) const { return {entry, key, head.name}; }
  [[noreturn]] void fail_missing(const KeySpec& key) const {
    throw Error(Errc::missing, fmt::format("{}: key {} is missing", escape_controls(head.name, 120),
                                           quote(full_name(key))));
  }

  std::vector<MappedFile> mappings;  // one per part; none when parsed from memory
  std::vector<std::string> part_names;
  GgufPart head;                    // the first part: its metadata is the model's
  std::vector<TensorInfo> tensors;  // of all parts
  TensorIndex index;                // of `tensors`
  std::string_view architecture;
  std::uint64_t file_bytes = 0;
};

void Gguf::Impl::add_part(MappedFile mapping, const std::string& name, std::int64_t count) {
  const auto no = static_cast<int>(part_names.size());
  const GgufPart part = parse_gguf_part(mapping.bytes(), name, no);
  check_part(part, no, count);
  tensors.insert(tensors.end(), part.tensors.begin(), part.tensors.end());
  file_bytes += mapping.bytes().size();
  part_names.push_back(name);
  mappings.push_back(std::move(mapping));
}

// Checks what only all parts together show.
void Gguf::Impl::finish() {
  const std::int64_t promised =
      split_count(head) > 1 ? part_integer(head, key::split_tensors).value_or(-1) : -1;
  if (promised >= 0 && tensors.size() != static_cast<std::uint64_t>(promised)) {
    throw Error(Errc::mismatch,
                fmt::format("{}: split.tensors.count is {}, but the {} parts have {} tensors",
                            escape_controls(head.name, 120), promised, part_names.size(), tensors.size()));
  }
  index = TensorIndex(tensors);
  if (const auto twice = index.first_duplicate(tensors)) {
    const TensorInfo& tensor = tensors[*twice];
    const std::span<const std::byte> file =
        tensor.part == 0 ? head.file : mappings[static_cast<std::size_t>(tensor.part)].bytes();
    throw Error(Errc::duplicate,
                fmt::format("{}: tensor {}: appears twice, names must be unique (offset {})",
                            escape_controls(part_names[static_cast<std::size_t>(tensor.part)], 120),
                            quote(tensor.name),
                            reinterpret_cast<const std::byte*>(tensor.name.data()) - file.data()));
  }
}

Gguf Gguf::open(const std::string& path) {
  const std::filesystem::path first(path);
  MappedFile mapping(path);
  auto impl = std::make_unique<Impl>(mapping.bytes(), first.filename().string());
  impl->mappings.push_back(std::move(mapping));
  if (const std::int64_t count = split_count(impl->head); count > 1) {
    const SplitName name =
        parse_split_name(impl->head.name, part_integer(impl->head, key::split_no).value_or(-1), count);
    check_part(impl->head, 0, count);
    for (std::int64_t no = 1; no < count; ++no) {
      const std::filesystem::path sibling = first.parent_path() / name.part(no);
      std::error_code ignored;
      if (!std::filesystem::exists(sibling, ignored)) {
        throw Error(Errc::missing,
                    fmt::format("{}: part {} of {}, {}, is not in the same folder",
                                escape_controls(impl->head.name, 120), no + 1, count, quote(name.part(no))));
      }
      impl->add_part(MappedFile(sibling.string()), name.part(no), count);
    }
  }
  impl->finish();
  return Gguf(std::move(impl));
}

Gguf Gguf::parse(std::span<const std::byte> file, const std::string& name) {
  auto impl = std::make_unique<Impl>(file, name);
  if (const std::int64_t count = split_count(impl->head); count > 1) {
    throw Error(Errc::unsupported,
                fmt::format("{}: is one of {} parts of a split model, which must be opened from its files",
                            escape_controls(name, 120), count));
  }
  impl->finish();
  return Gguf(std::move(impl));
}

Gguf::Gguf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gguf::Gguf(Gguf&&) noexcept = default;
Gguf& Gguf::operator=(Gguf&&) noexcept = default;
Gguf::~Gguf() = default;

const std::string& Gguf::name() const noexcept { return impl_->head.name; }
std::uint32_t Gguf::version() const noexcept { return impl_->head.version; }
std::span<const MetaEntry> Gguf::metadata() const noexcept { return impl_->head.metadata; }
std::span<const TensorInfo> Gguf::tensors() const noexcept { return impl_->tensors; }
std::uint64_t Gguf::file_bytes() const noexcept { return impl_->file_bytes; }
std::string_view Gguf::architecture() const noexcept { return impl_->architecture; }

const MetaEntry* Gguf::find(std::string_view key) const noexcept {
  return impl_->head.keys.find(impl_->head.metadata, key);
}

const TensorInfo* Gguf::find_tensor(std::string_view name) const noexcept {
  return impl_->index.find(impl_->tensors, name);
}

void Gguf::release(const TensorInfo& tensor) const noexcept {
  const auto part = static_cast<std::size_t>(tensor.part);
  if (part < impl_->mappings.size()) impl_->mappings[part].release(tensor.data);
}

bool Gguf::has(const KeySpec& key) const { return impl_->find(key) != nullptr; }

std::optional<std::int64_t> Gguf::get_int(const KeySpec& key) const {
  expect_key_type(key, KeyType::integer);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return std::nullopt;
  return impl_->value(*entry, key).integer();
}

std::optional<double> Gguf::get_float(const KeySpec& key) const {
  expect_key_type(key, KeyType::number);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return std::nullopt;
  return impl_->value(*entry, key).number();
}

std::optional<bool> Gguf::get_bool(const KeySpec& key) const {
  expect_key_type(key, KeyType::boolean);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return std::nullopt;
  return impl_->value(*entry, key).boolean();
}

std::optional<std::string_view> Gguf::get_string(const KeySpec& key) const {
  expect_key_type(key, KeyType::string);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return std::nullopt;
  return impl_->value(*entry, key).string();
}

std::int64_t Gguf::require_int(const KeySpec& key) const {
  const auto value = get_int(key);
  if (!value) impl_->fail_missing(key);
  return *value;
}

double Gguf::require_float(const KeySpec& key) const {
  const auto value = get_float(key);
  if (!value) impl_->fail_missing(key);
  return *value;
}

std::string_view Gguf::require_string(const KeySpec& key) const {
  const auto value = get_string(key);
  if (!value) impl_->fail_missing(key);
  return *value;
}

std::vector<std::int64_t> Gguf::get_ints(const KeySpec& key) const {
  expect_key_type(key, KeyType::integers);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return {};
  return impl_->value(*entry, key).integers();
}

std::vector<double> Gguf::get_floats(const KeySpec& key) const {
  expect_key_type(key, KeyType::numbers);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return {};
  return impl_->value(*entry, key).numbers();
}

std::vector<std::string_view> Gguf::get_strings(const KeySpec& key) const {
  expect_key_type(key, KeyType::strings);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return {};
  return impl_->value(*entry, key).strings();
}

std::span<const std::byte> Gguf::get_bytes(const KeySpec& key) const {
  expect_key_type(key, KeyType::bytes);
  const MetaEntry* entry = impl_->find(key);
  if (entry == nullptr) return {};
  return impl_->value(*entry, key).bytes();
}

}  // namespace longhand
