#include "cli/units.h"

#include <fmt/format.h>

#include <array>

namespace longhand::cli {
namespace {

template <std::size_t N>
std::string scaled(std::uint64_t value, double step, const std::array<const char*, N>& units) {
  auto shown = static_cast<double>(value);
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

}  // namespace longhand::cli
