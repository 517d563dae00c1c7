// Fields of "%5d" and "{:>5}", for the two files that read them.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

// No text needs wider fields or more digits; doubles have at most 1074 decimals.
inline constexpr std::int64_t kMaxWidth = 1 << 20, kMaxPrecision = 1100;

struct Spec {
  Text fill{" "};
  char align = '\0';  // < > ^ =
  char sign = '-';
  bool alternate = false, zero = false;
  char group = '\0';  // , or _
  std::int64_t width = 0, precision = -1;
  char type = '\0';
};

/// Digits from `at` on. Throws Failure beyond `limit`.
std::int64_t read_number(std::string_view text, std::size_t& at, std::int64_t limit);
Value format_number(Heap& heap, const Value& value, const Spec& spec);
Value format_text(Heap& heap, const Value& value, const Spec& spec);
/// One "%..." with its value.
Value percent_item(Heap& heap, const Value& value, const Spec& spec);

}  // namespace longhand::jinja
