#include "ops/host/omp_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMostCpus = 1024;  // what an affinity mask holds

/// Reads OMP_PLACES.
class PlaceReader {
 public:
  PlaceReader(std::string_view text, const std::vector<Cpu>& cpus) : text_(text), left_(text), cpus_(cpus) {}

  CpuSets read() {
    skip_spaces();
    CpuSets places = !left_.empty() && left_.front() == '{' ? read_lists() : read_name();
    if (!left_.empty()) fail("is not understood");
    std::erase_if(places, [](const std::vector<int>& place) { return place.empty(); });
    if (places.empty()) fail("names no CPU that this process may use");
    return places;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(Errc::range,
                fmt::format("OMP_PLACES '{}' {}: must be threads, cores or sockets, or lists such as"
                            " {{0,1}},{{2,3}}",
                            escape_controls(text_, 100), why));
  }

  void skip_spaces() {
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\t')) left_.remove_prefix(1);
  }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    skip_spaces();
    return true;
  }
  int number(int least, int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (error != std::errc() || value < least || value > most) fail("is not understood");
    left_.remove_prefix(std::size_t(end - left_.data()));
    skip_spaces();
    return value;
  }
  /// Behind a first one: ":COUNT:STEP", both of which may be missing.
  std::pair<int, int> run() {
    if (!take(':')) return {1, 1};
    const int count = number(1, kMostCpus);
    return {count, take(':') ? number(-kMostCpus, kMostCpus) : 1};
  }

  CpuSets read_name() {
    constexpr std::pair<std::string_view, int Cpu::*> kNames[] = {
        {"threads", &Cpu::id}, {"cores", &Cpu::core}, {"sockets", &Cpu::node}};
    const std::string_view name = left_.substr(0, left_.find_first_of("( \t"));
    const auto* const known =
        std::ranges::find(kNames, name, &std::pair<std::string_view, int Cpu::*>::first);
    if (known == std::end(kNames)) fail("is not known");
    left_.remove_prefix(name.size());
    skip_spaces();
    std::map<int, std::vector<int>> by_part;
    for (const Cpu& cpu : cpus_) by_part[cpu.*known->second].push_back(cpu.id);
    CpuSets places;
    for (auto& [part, place] : by_part) places.push_back(std::move(place));
    if (take('(')) {
      const auto count = std::size_t(number(1, kMostCpus));
      if (!take(')')) fail("is not understood");
      places.resize(std::min(places.size(), count));
    }
    return places;
  }

  CpuSets read_lists() {
    CpuSets places;
    do {
      const std::vector<int> first = read_list();
      const auto [count, step] = run();
      for (int i = 0; i < count; ++i) places.push_back(allowed(first, i * step));
    } while (take(','));
    return places;
  }

  std::vector<int> read_list() {
    std::vector<int> numbers;
    if (!take('{')) fail("is not understood");
    do {
      const int first = number(0, kMostCpus - 1);
      const auto [count, step] = run();
      for (int i = 0; i < count; ++i) numbers.push_back(first + i * step);
    } while (take(','));
    if (!take('}')) fail("is not understood");
    return numbers;
  }

  std::vector<int> allowed(const std::vector<int>& numbers, int further) const {
    std::vector<int> place;
    for (const int number : numbers) {
      if (std::ranges::find(cpus_, number + further, &Cpu::id) != cpus_.end())
        place.push_back(number + further);
    }
    return place;
  }

  std::string_view text_, left_;
  const std::vector<Cpu>& cpus_;
};

}  // namespace

CpuSets parse_omp_places(std::string_view text, const std::vector<Cpu>& cpus) {
  return PlaceReader(text, cpus).read();
}

}  // namespace longhand
