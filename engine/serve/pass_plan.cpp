#include "engine/serve/pass_plan.h"

#include <algorithm>
#include <numeric>

namespace longhand {
namespace {

// Before anything was measured, and at least: fewer would hardly share the reading of the weights.
constexpr int kFirst = 32, kLeast = 8;
// A measurement's weight in the mean. Slow passes count at once, for a promise hangs on them.
constexpr double kWeight = 0.25;

void take_in(double& mean, double value) noexcept {
  mean = value > mean ? value : mean + kWeight * (value - mean);
}

}  // namespace

std::vector<int> share_evenly(std::span<const int> wanted, int room) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return wanted[i]; });
  std::vector<int> given(wanted.size());
  int left = int(wanted.size());
  for (const std::size_t i : order) {
    given[i] = std::min(wanted[i], room / left--);
    room -= given[i];
  }
  // What division left over.
  for (std::size_t i = 0; i < given.size() && room > 0; ++i) {
    const int more = std::min(room, wanted[i] - given[i]);
    given[i] += more;
    room -= more;
  }
  return given;
}

int PassBudget::prompt_tokens(int writing) const noexcept {
  const int most = std::max(0, rows_ - writing);
  if (writing == 0) return most;
  if (per_token_ <= 0) return std::min(most, kFirst);
  const double tokens = (latency_ - writing_) / per_token_;
  return std::min(most, tokens < kLeast ? kLeast : int(std::min(tokens, double(rows_))));
}

void PassBudget::note(int prompt, int writing, double seconds) noexcept {
  if (prompt == 0) return take_in(writing_, seconds);
  // Few tokens take as long as reading the weights does, which says nothing about many.
  if (prompt < kLeast) return;
  take_in(per_token_, std::max(1e-9, writing > 0 ? (seconds - writing_) / prompt : seconds / prompt));
}

}  // namespace longhand
