#include "cli/terminal/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "cli/lower_case.h"
#include "ops/error.h"

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

std::uint64_t parse_bytes(std::string_view text) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit = lower_case(std::string_view(rest, std::size_t(text.data() + text.size() - rest)));
  std::erase(unit, ' ');
  constexpr std::string_view kPrefixes = "kmgt";
  const auto power = unit.empty() ? std::string_view::npos : kPrefixes.find(unit.front());
  if (power != std::string_view::npos) unit.erase(0, 1);
  const double step = unit == "b" && power != std::string_view::npos ? 1000 : 1024;
  const double bytes = value * (power == std::string_view::npos ? 1 : std::pow(step, double(power + 1)));
  const bool known = unit.empty() || unit == "b" || (unit == "ib" && power != std::string_view::npos);
  if (error != std::errc() || !known || !(bytes >= 0) || bytes > 1e18) {
    throw Error(Errc::range,
                fmt::format("'{}' must be a size such as 4.2GiB, 512MiB or 2G", escape_controls(text, 60)));
  }
  return std::uint64_t(bytes);
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
