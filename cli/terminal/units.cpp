#include "cli/terminal/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace longhand::cli {
namespace {

template <std::size_t N>
std::string scaled(std::uint64_t value, double step, const std::array<const char*, N>& units) {
  auto shown = double(value);
  std::size_t unit = 0;
  while (shown >= step && unit + 1 < N) {
    shown /= step;
    ++unit;
  }
  return unit == 0 ? fmt::format("{}{}", value, units[0]) : fmt::format("{:.2f}{}", shown, units[unit]);
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  return scaled<5>(bytes, 1024, {" B", " KiB", " MiB", " GiB", " TiB"});
}

std::string format_count(std::uint64_t count) { return scaled<5>(count, 1000, {"", " K", " M", " B", " T"}); }

std::string format_duration(double seconds) {
  const double kLongest = 100 * 3600;
  const auto whole = long(std::ceil(std::clamp(seconds, 0.0, kLongest)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace longhand::cli
