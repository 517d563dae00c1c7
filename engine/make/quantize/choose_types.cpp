#include "engine/make/quantize/choose_types.h"

#include <algorithm>
#include <queue>

namespace longhand {
namespace {

/// The choices of a tensor that are worth taking, by size: each step to the next saves less loss a byte than
/// the one before.
std::vector<std::size_t> hull_of(const std::vector<TypeChoice>& choices) {
  std::vector<std::size_t> order(choices.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(choices[i].bytes, choices[i].loss); });
  const auto saved_a_byte = [&](std::size_t from, std::size_t to) {
    return (choices[from].loss - choices[to].loss) / double(choices[to].bytes - choices[from].bytes);
  };
  std::vector<std::size_t> hull;
  for (const std::size_t i : order) {
    if (!hull.empty() && choices[i].loss >= choices[hull.back()].loss) continue;
    if (!hull.empty() && choices[i].bytes == choices[hull.back()].bytes) continue;
    while (hull.size() > 1 &&
           saved_a_byte(hull[hull.size() - 2], hull.back()) <= saved_a_byte(hull.back(), i))
      hull.pop_back();
    hull.push_back(i);
  }
  return hull;
}

/// A tensor's next step along its hull.
struct Step {
  double saved_a_byte;
  std::size_t tensor;
  bool operator<(const Step& other) const {
    return std::pair(saved_a_byte, other.tensor) < std::pair(other.saved_a_byte, tensor);
  }
};

}  // namespace

std::vector<std::size_t> choose(std::span<const std::vector<TypeChoice>> tensors, std::uint64_t budget) {
  std::vector<std::vector<std::size_t>> hulls;
  std::vector<std::size_t> at(tensors.size());  // on the hull
  std::uint64_t used = 0;
  for (const auto& choices : tensors) {
    hulls.push_back(hull_of(choices));
    used += choices[hulls.back()[0]].bytes;
  }
  if (used > budget) return {};
  const auto choice = [&](std::size_t t, std::size_t i) { return tensors[t][hulls[t][i]]; };
  std::priority_queue<Step> steps;
  const auto offer = [&](std::size_t t) {
    if (at[t] + 1 == hulls[t].size()) return;
    const TypeChoice now = choice(t, at[t]), next = choice(t, at[t] + 1);
    steps.push({(now.loss - next.loss) / double(next.bytes - now.bytes), t});
  };
  for (std::size_t t = 0; t < tensors.size(); ++t) offer(t);
  while (!steps.empty()) {
    const std::size_t t = steps.top().tensor;
    steps.pop();
    const std::uint64_t more = choice(t, at[t] + 1).bytes - choice(t, at[t]).bytes;
    if (used + more > budget) continue;  // a smaller step of another tensor may still fit
    used += more;
    ++at[t];
    offer(t);
  }
  std::vector<std::size_t> chosen(tensors.size());
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    chosen[t] = hulls[t][at[t]];
    // What is left may do for a choice inside the hull.
    for (std::size_t i = 0; i < tensors[t].size(); ++i) {
      const TypeChoice &now = tensors[t][chosen[t]], &other = tensors[t][i];
      if (other.loss >= now.loss || used - now.bytes + other.bytes > budget) continue;
      used = used - now.bytes + other.bytes;
      chosen[t] = i;
    }
  }
  return chosen;
}

}  // namespace longhand
