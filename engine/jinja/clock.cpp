#include "engine/jinja/clock.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>

#include "ops/error.h"

namespace longhand::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

std::chrono::year_month_day date_of(const CivilTime& t) {
  return std::chrono::year(t.year) / std::chrono::month(static_cast<unsigned>(t.month)) /
         std::chrono::day(static_cast<unsigned>(t.day));
}

struct Calendar {
  int weekday;   // 0 Sunday
  int year_day;  // 1..366
};
Calendar calendar(const CivilTime& t) {
  const std::chrono::sys_days day = date_of(t);
  const std::chrono::sys_days new_year = std::chrono::year(t.year) / 1 / 1;
  return {static_cast<int>(std::chrono::weekday(day).c_encoding()),
          static_cast<int>((day - new_year).count()) + 1};
}

struct IsoWeek {
  int year, week;
};
IsoWeek iso_week(const CivilTime& t, const Calendar& c) {
  // The ISO week belongs to the year that holds its Thursday.
  const int monday_based = (c.weekday + 6) % 7;
  const int thursday = c.year_day - monday_based + 3;
  const auto days_in = [](int year) { return std::chrono::year(year).is_leap() ? 366 : 365; };
  if (thursday < 1) return {t.year - 1, (thursday + days_in(t.year - 1) - 1) / 7 + 1};
  if (thursday > days_in(t.year)) return {t.year + 1, 1};
  return {t.year, (thursday - 1) / 7 + 1};
}

// Number with leading zeros (or blanks), or bare after "%-".
std::string padded(int value, int width, char fill, bool bare) {
  if (bare) return fmt::format("{}", value);
  return fill == '0' ? fmt::format("{:0{}}", value, width) : fmt::format("{:{}}", value, width);
}

int half_day_hour(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

std::string directive(char code, bool bare, const CivilTime& t) {
  const Calendar c = calendar(t);
  const auto two = [&](int value) { return padded(value, 2, '0', bare); };
  switch (code) {
    case 'a':
      return std::string(kDays[static_cast<std::size_t>(c.weekday)].substr(0, 3));
    case 'A':
      return std::string(kDays[static_cast<std::size_t>(c.weekday)]);
    case 'b':
    case 'h':
      return std::string(kMonths[static_cast<std::size_t>(t.month - 1)].substr(0, 3));
    case 'B':
      return std::string(kMonths[static_cast<std::size_t>(t.month - 1)]);
    case 'c':
      return format_time("%a %b %e %H:%M:%S %Y", t);
    case 'C':
      return two(t.year / 100);
    case 'd':
      return two(t.day);
    case 'D':
    case 'x':
      return format_time("%m/%d/%y", t);
    case 'e':
      return padded(t.day, 2, ' ', bare);
    case 'f':
      return "000000";
    case 'F':
      return format_time("%Y-%m-%d", t);
    case 'g':
      return two(iso_week(t, c).year % 100);
    case 'G':
      return padded(iso_week(t, c).year, 4, '0', bare);
    case 'H':
      return two(t.hour);
    case 'I':
      return two(half_day_hour(t.hour));
    case 'j':
      return padded(c.year_day, 3, '0', bare);
    case 'k':
      return padded(t.hour, 2, ' ', bare);
    case 'l':
      return padded(half_day_hour(t.hour), 2, ' ', bare);
    case 'm':
      return two(t.month);
    case 'M':
      return two(t.minute);
    case 'n':
      return "\n";
    case 'p':
      return t.hour < 12 ? "AM" : "PM";
    case 'P':
      return t.hour < 12 ? "am" : "pm";
    case 'r':
      return format_time("%I:%M:%S %p", t);
    case 'R':
      return format_time("%H:%M", t);
    case 'S':
      return two(t.second);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return format_time("%H:%M:%S", t);
    case 'u':
      return fmt::format("{}", c.weekday == 0 ? 7 : c.weekday);
    case 'U':
      return two((c.year_day + 6 - c.weekday) / 7);
    case 'V':
      return two(iso_week(t, c).week);
    case 'w':
      return fmt::format("{}", c.weekday);
    case 'W':
      return two((c.year_day + 6 - (c.weekday + 6) % 7) / 7);
    case 'y':
      return two(t.year % 100);
    case 'Y':
      return fmt::format("{}", t.year);
    case 'z':
    case 'Z':
      return "";  // a time without zone
    case '%':
      return "%";
    default:
      return std::string(bare ? "%-" : "%") + code;
  }
}

}  // namespace

CivilTime parse_iso8601(std::string_view text) {
  CivilTime t;
  const auto bad = [&] {
    throw Error(Errc::range, fmt::format("time '{}' must have the form YYYY-MM-DDThh:mm:ss", text));
  };
  std::size_t at = 0;
  const auto number = [&](int& out, std::size_t digits) {
    if (at + digits > text.size()) bad();
    const char* end = text.data() + at + digits;
    const auto result = std::from_chars(text.data() + at, end, out);
    if (result.ec != std::errc() || result.ptr != end || out < 0) bad();
    at += digits;
  };
  const auto skip = [&](std::string_view any_of) {
    if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
    ++at;
    return true;
  };
  number(t.year, 4);
  if (!skip("-")) bad();
  number(t.month, 2);
  if (!skip("-")) bad();
  number(t.day, 2);
  if (skip("T ")) {
    number(t.hour, 2);
    if (!skip(":")) bad();
    number(t.minute, 2);
    if (skip(":")) number(t.second, 2);
  }
  if (t.month < 1 || t.month > 12 || !date_of(t).ok() || t.hour > 23 || t.minute > 59 || t.second > 60) bad();
  return t;
}

std::string format_time(std::string_view format, const CivilTime& time) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out += format[i];
      continue;
    }
    const bool bare = format[i + 1] == '-' && i + 2 < format.size();
    i += bare ? 2 : 1;
    out += directive(format[i], bare, time);
  }
  return out;
}

}  // namespace longhand::jinja
