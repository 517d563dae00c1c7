// What a model's file says about itself, key by key.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace longhand {

/// Integers of every width are one of the two; both widths of floats are double.
using MetadataValue = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

/// The kinds of values, each the index of its type in MetadataValue.
enum class MetadataType : std::uint8_t { integer, natural, number, boolean, text };

/// A key, and what its values are. The view lives as long as a copy of the model.
struct MetadataEntry {
  std::string_view key;
  MetadataType type = MetadataType::integer;  ///< of an array: of its elements
  bool is_array = false;
  std::uint64_t count = 1;  ///< of an array: its elements
};

}  // namespace longhand
