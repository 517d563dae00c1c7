#include "engine/chat/jinja/functions/clock.h"

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
  return std::chrono::year(t.year) / std::chrono::month(unsigned(t.month)) /
         std::chrono::day(unsigned(t.day));
}

struct Calendar {
  int weekday;   // 0 Sunday
  int year_day;  // 1..366
};
Calendar calendar(const CivilTime& t) {
  const std::chrono::sys_days day = date_of(t);
  const std::chrono::sys_days new_year = std::chrono::year(t.year) / 1 / 1;
  return {int(std::chrono::weekday(day).c_encoding()), int((day - new_year).count()) + 1};
}

struct IsoWeek {
  int year, week;
};
IsoWeek iso_week(const CivilTime& t) {
  const Calendar c = calendar(t);
  // The ISO week belongs to the year that holds its Thursday.
  const int monday_based = (c.weekday + 6) % 7;
  const int thursday = c.year_day - monday_based + 3;
  const auto days_in = [](int year) { return std::chrono::year(year).is_leap() ? 366 : 365; };
  if (thursday < 1) return {t.year - 1, (thursday + days_in(t.year - 1) - 1) / 7 + 1};
  if (thursday > days_in(t.year)) return {t.year + 1, 1};
  return {t.year, (thursday - 1) / 7 + 1};
}

// Weeks of the year that have begun on the weekday `first`, 0 Sunday.
int weeks_from(int first, const CivilTime& t) {
  const Calendar c = calendar(t);
  return (c.year_day + 6 - (c.weekday + 7 - first) % 7) / 7;
}

int half_day_hour(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

std::string_view day_name(const CivilTime& t) { return kDays[std::size_t(calendar(t).weekday)]; }
std::string_view month_name(const CivilTime& t) { return kMonths[std::size_t(t.month - 1)]; }

struct Name {
  char code;
  std::string_view (*of)(const CivilTime& t);
};
constexpr Name kNames[] = {
    {'a', [](const CivilTime& t) { return day_name(t).substr(0, 3); }},
    {'A', day_name},
    {'b', [](const CivilTime& t) { return month_name(t).substr(0, 3); }},
    {'B', month_name},
    {'p', [](const CivilTime& t) { return std::string_view(t.hour < 12 ? "AM" : "PM"); }},
    {'P', [](const CivilTime& t) { return std::string_view(t.hour < 12 ? "am" : "pm"); }},
};

// Padded to their width, but bare after "%-".
struct Number {
  char code;
  int (*of)(const CivilTime& t);
  int width = 2;
  char fill = '0';
};
constexpr Number kNumbers[] = {
    {'C', [](const CivilTime& t) { return t.year / 100; }},
    {'d', [](const CivilTime& t) { return t.day; }},
    {'e', [](const CivilTime& t) { return t.day; }, 2, ' '},
    {'g', [](const CivilTime& t) { return iso_week(t).year % 100; }},
    {'G', [](const CivilTime& t) { return iso_week(t).year; }, 4},
    {'H', [](const CivilTime& t) { return t.hour; }},
    {'I', [](const CivilTime& t) { return half_day_hour(t.hour); }},
    {'j', [](const CivilTime& t) { return calendar(t).year_day; }, 3},
    {'k', [](const CivilTime& t) { return t.hour; }, 2, ' '},
    {'l', [](const CivilTime& t) { return half_day_hour(t.hour); }, 2, ' '},
    {'m', [](const CivilTime& t) { return t.month; }},
    {'M', [](const CivilTime& t) { return t.minute; }},
    {'S', [](const CivilTime& t) { return t.second; }},
    {'u', [](const CivilTime& t) { return (calendar(t).weekday + 6) % 7 + 1; }, 1},
    {'U', [](const CivilTime& t) { return weeks_from(0, t); }},
    {'V', [](const CivilTime& t) { return iso_week(t).week; }},
    {'w', [](const CivilTime& t) { return calendar(t).weekday; }, 1},
    {'W', [](const CivilTime& t) { return weeks_from(1, t); }},
    {'y', [](const CivilTime& t) { return t.year % 100; }},
    {'Y', [](const CivilTime& t) { return t.year; }, 1},
};

// What stands for other directives, none of which is of this kind, or for plain text.
struct Shorthand {
  char code;
  std::string_view format;
};
constexpr Shorthand kShorthands[] = {
    {'c', "%a %b %e %H:%M:%S %Y"},
    {'D', "%m/%d/%y"},
    {'f', "000000"},
    {'F', "%Y-%m-%d"},
    {'h', "%b"},
    {'n', "\n"},
    {'r', "%I:%M:%S %p"},
    {'R', "%H:%M"},
    {'t', "\t"},
    {'T', "%H:%M:%S"},
    {'x', "%m/%d/%y"},
    {'X', "%H:%M:%S"},
    {'z', ""},  // a time without zone
    {'Z', ""},
    {'%', "%"},
};

std::string padded(int value, int width, char fill) {
  return fill == '0' ? fmt::format("{:0{}}", value, width) : fmt::format("{:{}}", value, width);
}

std::string directive(char code, bool bare, const CivilTime& t) {
  for (const Name& name : kNames) {
    if (name.code == code) return std::string(name.of(t));
  }
  for (const Number& number : kNumbers) {
    if (number.code == code) return padded(number.of(t), bare ? 1 : number.width, number.fill);
  }
  for (const Shorthand& shorthand : kShorthands) {
    if (shorthand.code == code) return format_time(shorthand.format, t);
  }
  return std::string(bare ? "%-" : "%") + code;
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
