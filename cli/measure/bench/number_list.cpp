#include "cli/measure/bench/number_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kMostNumbers = 1000;

// Takes what it finds from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool number(int& value) {
    if (rest_.starts_with('-')) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(std::size_t(end - rest_.data()));
    return true;
  }
  bool sign(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct Steps {
  int first = 0, last = 0, add = 1, times = 1;
};

bool scan(std::string_view text, Steps& steps) {
  Scanner in(text);
  if (!in.number(steps.first)) return false;
  steps.last = steps.first;
  if (in.done()) return true;
  if (!in.sign('-') || !in.number(steps.last)) return false;
  if (in.sign('+') && !(in.number(steps.add) && steps.add > 0)) return false;
  if (in.sign('*')) {
    if (!in.number(steps.times) || steps.times < 2 || steps.first == 0) return false;
    steps.add = 0;
  }
  return in.done() && steps.first <= steps.last;
}

}  // namespace

std::vector<int> parse_numbers(std::string_view text, int least, int most) {
  Steps steps;
  if (!scan(text, steps)) {
    throw Error(Errc::range, fmt::format("'{}' must be a number, or a range such as 1-4, 0-100+25 or 8-64*2",
                                         escape_controls(text, 60)));
  }
  if (steps.first < least || steps.last > most)
    throw Error(Errc::range,
                fmt::format("'{}' must be within {}..{}", escape_controls(text, 60), least, most));
  std::vector<int> numbers;
  for (std::int64_t n = steps.first; n <= steps.last; n = n * steps.times + steps.add) {
    numbers.push_back(int(n));
    if (numbers.size() > kMostNumbers) {
      throw Error(Errc::range, fmt::format("'{}' is a range of more than {} numbers",
                                           escape_controls(text, 60), kMostNumbers));
    }
  }
  return numbers;
}

std::pair<int, int> parse_pair(std::string_view text, int most) {
  Scanner in(text);
  int first = 0, second = 0;
  const bool read = in.number(first) && in.sign(',') && in.number(second) && in.done();
  if (!read || first < 1 || second < 1 || first > most || second > most) {
    throw Error(Errc::range, fmt::format("'{}' must be two numbers such as 512,128, each within 1..{}",
                                         escape_controls(text, 60), most));
  }
  return {first, second};
}

}  // namespace longhand::cli
