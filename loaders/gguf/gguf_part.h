// One GGUF file, parsed: a whole model, or one part of a split one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/gguf/name_index.h"

namespace longhand {

using KeyIndex = NameIndex<MetaEntry, &MetaEntry::key>;

/// Views into `file`. Keys are unique; whether tensor names are is only known once all parts are read.
struct GgufPart {
  std::string name;  // of the file, without folder
  std::span<const std::byte> file;
  std::uint32_t version = 0;
  std::vector<MetaEntry> metadata;  // in file order
  KeyIndex keys;                    // of `metadata`
  std::vector<TensorInfo> tensors;  // in file order
};

/// Parses `file`; its tensors get the part number `part`. Throws Error as Gguf::parse().
GgufPart parse_gguf_part(std::span<const std::byte> file, const std::string& name, int part);

/// An integer of a part, for keys without "%s". Throws Error: type, range.
std::optional<std::int64_t> part_integer(const GgufPart& part, const KeySpec& key);

}  // namespace longhand
