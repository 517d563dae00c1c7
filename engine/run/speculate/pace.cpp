#include "engine/run/speculate/pace.h"

#include <algorithm>

namespace longhand {
namespace {

constexpr int kSamples = 2;       // a cost is known by: one may be an accident
constexpr int kKnownSingles = 3;  // the first token after a prompt finds cold caches
constexpr int kRefresh = 64;      // the text grows, and single tokens grow dearer: looked at again so often
constexpr int kShortestPause = 32, kLongestPause = 1024;
constexpr int kLasting = 64;  // batches with guesses after which a pause was worth coming back from
// Of a text nothing is known of. Each guess then counts for an eighth.
constexpr double kHope = 0.5, kWeight = 1.0 / 8;

}  // namespace

void Cost::add(double seconds) noexcept {
  last_[std::size_t(count_) % last_.size()] = seconds;
  // Past the first round only the place in the ring matters.
  if (++count_ == 2 * int(last_.size())) count_ = int(last_.size());
}

double Cost::seconds() const noexcept {
  const auto known = std::min(std::size_t(count_), last_.size());
  return known == 0 ? 0 : *std::min_element(last_.begin(), last_.begin() + std::ptrdiff_t(known));
}

Pace::Pace(int most) : share_(kHope), pause_(kShortestPause) {
  for (int g = 1; g < most; g = 2 * g + 1) rungs_.push_back({g, {}});
  rungs_.push_back({most, {}});
}

int Pace::length() noexcept {
  if (left_ > 0) {
    if (--left_ > 0) return 0;
    share_ = kHope;
    attempts_ = 0;
  }
  if (single_.count() < kKnownSingles || since_single_ >= kRefresh) return 0;
  const Choice choice = best();
  if (attempts_ < kSamples || choice.rate * single_.seconds() > 1) return choice.length;
  left_ = pause_;
  pause_ = attempts_ >= kLasting ? kShortestPause : std::min(2 * pause_, kLongestPause);
  return 0;
}

// Lengths never tried are not jumped over, and the first of them is taken to cost no more than the one below:
// so it gets tried as soon as enough guesses come true.
Pace::Choice Pace::best() const noexcept {
  Choice best{rungs_.front().length, 0};
  double seconds = single_.seconds(), tokens = 1, power = 1;
  int length = 0;
  for (const Rung& rung : rungs_) {
    for (; length < rung.length; ++length) tokens += power *= share_;
    if (rung.batch.count() >= kSamples) seconds = rung.batch.seconds();
    const double rate = tokens / (seconds + length * guess_.seconds());
    if (rate > best.rate) best = {length, rate};
    if (rung.batch.count() < kSamples) break;
  }
  return best;
}

void Pace::fed(int tokens, double seconds) noexcept {
  if (tokens == 1) {
    single_.add(seconds);
    since_single_ = 0;
    return;
  }
  ++since_single_;
  ++attempts_;
  const auto rung = std::ranges::find_if(rungs_, [&](const Rung& r) { return r.length + 1 == tokens; });
  if (rung != rungs_.end()) rung->batch.add(seconds);
}

void Pace::guessed(int guesses, double seconds) noexcept {
  if (guesses > 0) guess_.add(seconds / guesses);
}

void Pace::judged(bool right) noexcept { share_ += (double(right) - share_) * kWeight; }

}  // namespace longhand
