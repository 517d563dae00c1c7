#include "loaders/gguf/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "loaders/gguf/gguf_part.h"
#include "loaders/gguf/gguf_reader.h"
#include "loaders/gguf/gguf_values.h"
#include "loaders/gguf/gguf_writer.h"
#include "loaders/gguf/mapped_file.h"
#include "loaders/gguf/override.h"
#include "loaders/gguf/split_name.h"
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
  // One file, mapped, in memory of its own or in somebody else's.
  struct File {
    std::string name;
    std::span<const std::byte> bytes;
    MappedFile mapping = {};
    std::vector<std::byte> memory = {};
  };

  explicit Impl(File file)
      : head(parse_gguf_part(file.bytes, file.name, 0)), tensors(std::move(head.tensors)) {
    files.push_back(std::move(file));
    read_architecture();
  }

  void read_architecture() {
    architecture = read(key::architecture, KeyType::string, &MetaValue::string).value_or("");
  }

  void add_siblings(const std::filesystem::path& folder, std::int64_t count);
  void check_whole();

  std::string full_name(const KeySpec& key) const;
  const MetaEntry* find(const KeySpec& key) const { return head.keys.find(head.metadata, full_name(key)); }
  template <class Value>
  std::optional<Value> read(const KeySpec& key, KeyType type, Value (MetaValue::*get)() const) const;
  template <class Value>
  Value required(const KeySpec& key, const std::optional<Value>& value) const;

  GgufPart head;                    // the first part: its metadata is the model's
  std::vector<TensorInfo> tensors;  // of all parts
  TensorIndex index;                // of `tensors`
  std::vector<File> files;          // one per part
  std::string_view architecture;
  std::deque<GgufEntry> own;  // entries that are not in the file
};

// Opens parts 1.. of a split model, whose first part is `head`.
void Gguf::Impl::add_siblings(const std::filesystem::path& folder, std::int64_t count) {
  const SplitName names = parse_split_name(head.name, part_integer(head, key::split_no).value_or(-1), count);
  for (std::int64_t no = 1; no < count; ++no) {
    const std::filesystem::path path = folder / names.part(no);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      throw Error(Errc::missing,
                  fmt::format("{}: part {} of {}, {}, is not in the same folder",
                              escape_controls(head.name, 120), no + 1, count, quote(names.part(no))));
    }
    MappedFile mapping(path.string());
    const GgufPart part = parse_gguf_part(mapping.bytes(), names.part(no), int(no));
    check_part(part, no, count);
    tensors.insert(tensors.end(), part.tensors.begin(), part.tensors.end());
    files.push_back({part.name, part.file, std::move(mapping), {}});
  }
  const std::int64_t promised = part_integer(head, key::split_tensors).value_or(-1);
  if (promised >= 0 && tensors.size() != std::uint64_t(promised)) {
    throw Error(Errc::mismatch,
                fmt::format("{}: key 'split.tensors.count': is {}, but the {} parts have {} tensors",
                            escape_controls(head.name, 120), promised, count, tensors.size()));
  }
}

// Indexes the tensors of all parts; only together they show whether names are unique.
void Gguf::Impl::check_whole() {
  index = TensorIndex(tensors);
  const auto twice = index.first_duplicate(tensors);
  if (!twice) return;
  const TensorInfo& tensor = tensors[*twice];
  const File& file = files[std::size_t(tensor.part)];
  throw Error(Errc::duplicate,
              fmt::format("{}: tensor {}: appears twice, names must be unique (offset {})",
                          escape_controls(file.name, 120), quote(tensor.name),
                          reinterpret_cast<const std::byte*>(tensor.name.data()) - file.bytes.data()));
}

std::string Gguf::Impl::full_name(const KeySpec& key) const {
  const std::size_t at = key.name.find("%s");
  if (at == std::string_view::npos) return std::string(key.name);
  return fmt::format("{}{}{}", key.name.substr(0, at), architecture, key.name.substr(at + 2));
}

template <class Value>
std::optional<Value> Gguf::Impl::read(const KeySpec& key, KeyType type,
                                      Value (MetaValue::*get)() const) const {
  if (key.type != type) throw std::logic_error(fmt::format("key {} is not read as its row states", key.name));
  const MetaEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return (MetaValue(*entry, key, head.name).*get)();
}

template <class Value>
Value Gguf::Impl::required(const KeySpec& key, const std::optional<Value>& value) const {
  if (value) return *value;
  throw Error(Errc::missing,
              fmt::format("{}: key {} is missing", escape_controls(head.name, 120), quote(full_name(key))));
}

Gguf Gguf::open(const std::string& path) {
  const std::filesystem::path first(path);
  MappedFile mapping(path);
  const auto bytes = mapping.bytes();
  auto impl = std::make_unique<Impl>(Impl::File{first.filename().string(), bytes, std::move(mapping), {}});
  const std::int64_t count = split_count(impl->head);
  if (count > 1) impl->add_siblings(first.parent_path(), count);
  impl->check_whole();
  return Gguf(std::move(impl));
}

Gguf Gguf::open(int descriptor, const std::string& name) {
  MappedFile mapping(descriptor, name);
  const auto bytes = mapping.bytes();
  return parse_single(std::make_unique<Impl>(Impl::File{name, bytes, std::move(mapping), {}}));
}

Gguf Gguf::parse(std::span<const std::byte> file, const std::string& name) {
  return parse_single(std::make_unique<Impl>(Impl::File{name, file, {}, {}}));
}

Gguf Gguf::parse(std::vector<std::byte>&& file, const std::string& name) {
  const std::span<const std::byte> bytes = file;
  return parse_single(std::make_unique<Impl>(Impl::File{name, bytes, {}, std::move(file)}));
}

// A file whose siblings, if it had any, could not be found.
Gguf Gguf::parse_single(std::unique_ptr<Impl> impl) {
  const std::int64_t count = split_count(impl->head);
  if (count > 1) {
    throw Error(Errc::unsupported,
                fmt::format("{}: is one of {} parts of a split model, which must be opened from its files",
                            escape_controls(impl->head.name, 120), count));
  }
  impl->check_whole();
  return Gguf(std::move(impl));
}

Gguf::Gguf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gguf::Gguf(Gguf&&) noexcept = default;
Gguf& Gguf::operator=(Gguf&&) noexcept = default;
Gguf::~Gguf() = default;

void Gguf::override_metadata(std::span<const std::string> overrides) {
  std::vector<GgufEntry> entries;
  for (const std::string& text : overrides) entries.push_back(parse_override(text));
  if (entries.empty()) return;
  GgufPart& head = impl_->head;
  for (GgufEntry& entry : entries) {
    const GgufEntry& own = impl_->own.emplace_back(std::move(entry));
    MetaEntry meta;
    meta.key = own.key;
    meta.type = ValueType(own.type);
    meta.data = std::as_bytes(std::span(own.value));
    const auto there = std::ranges::find(head.metadata, meta.key, &MetaEntry::key);
    if (there == head.metadata.end()) {
      head.metadata.push_back(meta);
    } else {
      *there = meta;
    }
  }
  head.keys = KeyIndex(head.metadata);
  impl_->read_architecture();
}

const std::string& Gguf::name() const noexcept { return impl_->head.name; }
std::uint32_t Gguf::version() const noexcept { return impl_->head.version; }
std::span<const MetaEntry> Gguf::metadata() const noexcept { return impl_->head.metadata; }
std::span<const TensorInfo> Gguf::tensors() const noexcept { return impl_->tensors; }
std::string_view Gguf::architecture() const noexcept { return impl_->architecture; }

const MetaEntry* Gguf::find(std::string_view key) const noexcept {
  return impl_->head.keys.find(impl_->head.metadata, key);
}

const TensorInfo* Gguf::find_tensor(std::string_view name) const noexcept {
  return impl_->index.find(impl_->tensors, name);
}

std::uint64_t Gguf::file_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Impl::File& file : impl_->files) sum += file.bytes.size();
  return sum;
}

void Gguf::release(std::span<const std::byte> range) const noexcept {
  const auto address = [](const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p); };
  for (const auto& file : impl_->files) {
    const std::span<const std::byte> all = file.mapping.bytes();
    if (!all.empty() && address(range.data()) >= address(all.data()) &&
        address(range.data()) < address(all.data()) + all.size()) {
      file.mapping.release(range);
    }
  }
}

bool Gguf::has(const KeySpec& key) const { return impl_->find(key) != nullptr; }

std::optional<std::int64_t> Gguf::get_int(const KeySpec& key) const {
  return impl_->read(key, KeyType::integer, &MetaValue::integer);
}

std::optional<double> Gguf::get_float(const KeySpec& key) const {
  return impl_->read(key, KeyType::number, &MetaValue::number);
}

std::optional<bool> Gguf::get_bool(const KeySpec& key) const {
  return impl_->read(key, KeyType::boolean, &MetaValue::boolean);
}

std::optional<std::string_view> Gguf::get_string(const KeySpec& key) const {
  return impl_->read(key, KeyType::string, &MetaValue::string);
}

std::int64_t Gguf::require_int(const KeySpec& key) const { return impl_->required(key, get_int(key)); }
double Gguf::require_float(const KeySpec& key) const { return impl_->required(key, get_float(key)); }
std::string_view Gguf::require_string(const KeySpec& key) const {
  return impl_->required(key, get_string(key));
}

std::vector<std::int64_t> Gguf::get_ints(const KeySpec& key) const {
  return impl_->read(key, KeyType::integers, &MetaValue::integers).value_or(std::vector<std::int64_t>{});
}

std::vector<double> Gguf::get_floats(const KeySpec& key) const {
  return impl_->read(key, KeyType::numbers, &MetaValue::numbers).value_or(std::vector<double>{});
}

std::vector<std::string_view> Gguf::get_strings(const KeySpec& key) const {
  return impl_->read(key, KeyType::strings, &MetaValue::strings).value_or(std::vector<std::string_view>{});
}

std::span<const std::byte> Gguf::get_bytes(const KeySpec& key) const {
  return impl_->read(key, KeyType::bytes, &MetaValue::bytes).value_or(std::span<const std::byte>{});
}

}  // namespace longhand
