// A date and time handed in from outside, and strftime on it. Nothing here reads the system's
// clock or locale.
#pragma once

#include <string>
#include <string_view>

namespace longhand::jinja {

struct CivilTime {
  int year = 1970, month = 1, day = 1;  // month and day from 1
  int hour = 0, minute = 0, second = 0;
};

/// "2026-07-01", "2026-07-01T12:00" or "2026-07-01 12:00:30"; a zone or fraction behind it is ignored.
/// Throws Error (range).
CivilTime parse_iso8601(std::string_view text);

/// C locale; unknown directives stay as written.
std::string format_time(std::string_view format, const CivilTime& time);

}  // namespace longhand::jinja
