// Other metadata for a model that stays as it is.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <utility>

#include "engine/longhand_edit.h"
#include "engine/make/edit/head_in_place.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/gguf_reader.h"
#include "loaders/gguf/mapped_file.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Entries = std::vector<GgufEntry>;

template <class Number>
Number number_of(const std::string& key, ValueType type, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool good = error == std::errc() && end == text.data() + text.size();
  if constexpr (std::is_floating_point_v<Number>) good = good && std::isfinite(value);
  if (good) return value;
  throw Error(Errc::range,
              fmt::format("key {}: {} is no {}", quote(key), quote(text), value_type_name(type)));
}

/// How the text of a value becomes an entry, for every type of single values.
struct ValueReader {
  ValueType type;
  GgufEntry (*read)(const std::string& key, std::string_view text);
};

template <class Number, ValueType type>
GgufEntry read_number(const std::string& key, std::string_view text) {
  return gguf_entry(key, number_of<Number>(key, type, text));
}

constexpr ValueReader kReaders[] = {
    {ValueType::u8, read_number<std::uint8_t, ValueType::u8>},
    {ValueType::i8, read_number<std::int8_t, ValueType::i8>},
    {ValueType::u16, read_number<std::uint16_t, ValueType::u16>},
    {ValueType::i16, read_number<std::int16_t, ValueType::i16>},
    {ValueType::u32, read_number<std::uint32_t, ValueType::u32>},
    {ValueType::i32, read_number<std::int32_t, ValueType::i32>},
    {ValueType::u64, read_number<std::uint64_t, ValueType::u64>},
    {ValueType::i64, read_number<std::int64_t, ValueType::i64>},
    {ValueType::f32, read_number<float, ValueType::f32>},
    {ValueType::f64, read_number<double, ValueType::f64>},
    {ValueType::boolean,
     [](const std::string& key, std::string_view text) {
       if (text != "true" && text != "false")
         throw Error(Errc::range, fmt::format("key {}: {} must be true or false", quote(key), quote(text)));
       return gguf_entry(key, text == "true");
     }},
    {ValueType::string,
     [](const std::string& key, std::string_view text) { return gguf_entry(key, std::string(text)); }}};

Entries::iterator find_entry(Entries& entries, std::string_view key) {
  return std::ranges::find(entries, key, &GgufEntry::key);
}

Entries::iterator require_entry(Entries& entries, std::string_view key, std::string_view file) {
  const auto entry = find_entry(entries, key);
  if (entry == entries.end())
    throw Error(Errc::missing, fmt::format("{}: has no key {}", quote(file), quote(key)));
  return entry;
}

// Where tensors lie, and how many files there are, is no matter of metadata alone; and a model without an
// architecture is none.
void refuse_fixed(std::string_view key, bool removed) {
  if (key == key::alignment.name || key.starts_with("split.") || (removed && key == key::architecture.name))
    throw Error(Errc::range, fmt::format("key {} cannot be {}", quote(key), removed ? "removed" : "changed"));
}

void set_value(Entries& entries, const std::string& text, std::string_view file) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(Errc::range, fmt::format("{} must be KEY=VALUE or KEY=TYPE:VALUE", quote(text)));
  const std::string key = text.substr(0, equals);
  refuse_fixed(key, false);
  std::string_view value = std::string_view(text).substr(equals + 1);
  const std::string_view named = value.substr(0, value.find(':'));
  auto reader = std::ranges::find_if(
      kReaders, [named](const ValueReader& r) { return value_type_name(r.type) == named; });
  const bool has_type = reader != std::end(kReaders) && named.size() < value.size();
  if (has_type) {
    value.remove_prefix(named.size() + 1);
  } else {
    const auto there = require_entry(entries, key, file);
    reader = std::ranges::find(kReaders, ValueType(there->type), &ValueReader::type);
    if (reader == std::end(kReaders))
      throw Error(Errc::range, fmt::format("key {} has several values; one alone cannot be set", quote(key)));
  }
  GgufEntry entry = reader->read(key, value);
  if (const auto there = find_entry(entries, key); there != entries.end()) {
    *there = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
}

Entries edited(const Gguf& file, const MetadataEdit& edit) {
  Entries entries = copy_metadata(file);
  std::erase_if(entries, [](const GgufEntry& entry) { return entry.key == kFiller; });
  for (const auto& [from, to] : edit.rename) {
    refuse_fixed(from, true);
    refuse_fixed(to, false);
    require_entry(entries, from, file.name())->key = to;
  }
  for (const std::string& key : edit.remove) {
    refuse_fixed(key, true);
    entries.erase(require_entry(entries, key, file.name()));
  }
  for (const std::string& text : edit.set) set_value(entries, text, file.name());

  // Names and values by the rules of every file.
  const std::string head = GgufHead{alignment_of(file), entries, {}}.bytes();
  Gguf::parse(std::as_bytes(std::span(head)), file.name());
  return entries;
}

}  // namespace

EditedInPlace edit_metadata(const std::string& model, const std::string& out, const MetadataEdit& edit,
                            const Progress& progress) {
  restore_head(model);
  Entries entries;
  std::optional<std::string> head;
  {
    const MappedFile mapping(model);
    const Gguf file = Gguf::parse(mapping.bytes(), std::filesystem::path(model).filename().string());
    entries = edited(file, edit);
    std::error_code not_there;
    if (out.empty() || std::filesystem::equivalent(model, out, not_there))
      head = head_of_same_size(file, mapping.bytes(), entries);
  }
  if (head) {
    replace_head(model, *head);
    return true;
  }
  const Gguf file = Gguf::open(model);
  write_copy(file, std::move(entries), out.empty() ? model : out, progress);
  return false;
}

}  // namespace longhand
