#include "engine/sampling/sampler_stages.h"

#include <cmath>

namespace longhand {
namespace {

// Some candidates: what they weigh together, and how many they are.
struct Amount {
  double weight = 0.0;
  std::size_t count = 0;

  Amount operator+(const Amount& other) const { return {weight + other.weight, count + other.count}; }
  bool reaches(const Amount& wanted) const { return weight >= wanted.weight && count >= wanted.count; }
};

// Keys in nats, >= 0, in buckets. The last one takes all beyond 32 nats: a million of these weigh 1e-8, less
// than a float p < 1 leaves out, so the cut is never in there.
class Buckets {
 public:
  explicit Buckets(std::size_t candidates) : amounts_(candidates <= kSmall ? 1 : kCount) {}
  std::size_t index_of(double key) const {
    if (amounts_.size() == 1) return 0;
    return std::size_t(std::min(key * kPerNat, double{kCount - 1}));
  }
  void add(double key, double weight) {
    Amount& amount = amounts_[index_of(key)];
    amount.weight += weight;
    ++amount.count;
  }
  double weight_of(double mass) const {
    double weight = 0.0;
    for (const Amount& amount : amounts_) weight += amount.weight * mass;
    return weight;
  }
  struct Cut {
    std::size_t bucket;
    Amount before;
  };
  // The bucket in which `wanted` is reached, or the last.
  Cut find(const Amount& wanted) const {
    Cut cut{0, {}};
    for (; cut.bucket + 1 < amounts_.size(); ++cut.bucket) {
      const Amount with = cut.before + amounts_[cut.bucket];
      if (with.reaches(wanted)) break;
      cut.before = with;
    }
    return cut;
  }

 private:
  static constexpr double kPerNat = 32.0;
  static constexpr std::size_t kCount = 1024;
  static constexpr std::size_t kSmall = 256;  // sorting so few is cheaper than 1024 buckets

  std::vector<Amount> amounts_;
};

struct Keyed {
  double key;
  Candidate candidate;
  bool operator<(const Keyed& other) const {
    return key != other.key ? key < other.key : candidate.id < other.candidate.id;
  }
};

// Keeps, in the order of ascending key (ties by id), the candidates up to the one with which their
// probability reaches `mass`. Only the bucket of keys in which that happens is sorted.
template <class Key>
void keep_mass(std::vector<Candidate>& list, Key key, double mass, std::size_t min_keep) {
  double max = -std::numeric_limits<double>::infinity();
  for (const Candidate& c : list) max = std::max(max, double{c.logit});
  const auto weight_of = [max](const Candidate& c) { return portable_exp(c.logit - max); };
  Buckets buckets(list.size());
  for (const Candidate& c : list) buckets.add(key(c), weight_of(c));
  const Amount wanted{buckets.weight_of(mass), min_keep};
  auto [bucket, kept] = buckets.find(wanted);

  std::vector<Keyed> members;
  for (const Candidate& c : list) {
    const double k = key(c);
    if (buckets.index_of(k) == bucket) members.push_back({k, c});
  }
  if (members.empty()) return;
  std::sort(members.begin(), members.end());
  auto last = members.begin();
  for (; last + 1 != members.end(); ++last) {
    kept = kept + Amount{weight_of(last->candidate), 1};
    if (kept.reaches(wanted)) break;
  }
  std::erase_if(list, [&](const Candidate& c) { return *last < Keyed{key(c), c}; });
}

}  // namespace

void top_k(Candidates& candidates, std::size_t k) { candidates.keep_best(k); }

void top_p(Candidates& candidates, double p, std::size_t min_keep) {
  const auto best = candidates.best();
  if (!best) return;
  keep_mass(
      candidates.list(), [max = double{best->logit}](const Candidate& c) { return max - c.logit; }, p,
      min_keep);
}

void min_p(Candidates& candidates, double p, std::size_t min_keep) {
  const auto best = candidates.best();
  if (!best || p <= 0) return;
  candidates.keep_above(to_float(best->logit + std::log(p)), min_keep);
}

// Surprise is -log p = log Z - z, its mean log Z - E[z]: the distance of the two is |E[z] - z|.
void typical_p(Candidates& candidates, double p, std::size_t min_keep) {
  std::vector<Candidate>& list = candidates.list();
  const Softmax softmax(list);
  const double mean = softmax.max() + softmax.mean_offset();
  keep_mass(
      list, [mean](const Candidate& c) { return std::abs(mean - c.logit); }, p, min_keep);
}

void top_n_sigma(Candidates& candidates, double n) {
  const auto best = candidates.best();
  if (!best) return;
  double count = 0.0;
  double sum = 0.0;
  double squares = 0.0;
  // Distances from the largest instead of logits: squares of small numbers do not cancel.
  const auto add = [&](float logit) {
    if (logit == -std::numeric_limits<float>::infinity()) return;
    const double distance = double{best->logit} - logit;
    count += 1.0;
    sum += distance;
    squares += distance * distance;
  };
  if (candidates.dense()) {
    for (const float logit : candidates.logits()) add(logit);
  } else {
    for (const Candidate& c : candidates.list()) add(c.logit);
  }
  const double mean = sum / count;
  const double sigma = std::sqrt(std::max(squares / count - mean * mean, 0.0));
  candidates.keep_above(to_float(best->logit - n * sigma));
}

void xtc(Candidates& candidates, const XtcOptions& options, Random& random) {
  std::vector<Candidate>& list = candidates.list();
  if (list.size() < 2 || random.uniform() >= options.probability) return;
  const Softmax softmax(list);
  const double least_likely = std::max(options.threshold, std::numeric_limits<double>::min());
  const auto likely = [&](const Candidate& c) { return softmax.probability(c) >= least_likely; };
  std::size_t count = 0;
  const Candidate* least = nullptr;
  for (const Candidate& c : list) {
    if (!likely(c)) continue;
    ++count;
    if (least == nullptr || better(*least, c)) least = &c;
  }
  if (count < 2 || list.size() - (count - 1) < options.min_keep) return;
  std::erase_if(list, [&, kept = least->id](const Candidate& c) { return c.id != kept && likely(c); });
}

void temperature(Candidates& candidates, const TemperatureOptions& options) {
  std::vector<Candidate>& list = candidates.list();
  double value = options.temperature;
  if (options.range > 0) {
    if (list.size() < 2) return;
    const Softmax softmax(list);
    const double entropy = std::log(softmax.total()) - softmax.mean_offset();
    const double greatest = std::log(double(list.size()));
    const double low = std::max(0.0, options.temperature - options.range);
    const double high = options.temperature + options.range;
    const double share = std::clamp(entropy / greatest, 0.0, 1.0);
    value = low + (high - low) * std::pow(share, options.exponent);
  }
  const auto best = candidates.best();
  if (!best) return;
  if (value <= 0) return candidates.keep_best(1);
  // Tiny temperatures overflow; probabilities depend on differences only, and those overflow to -inf alone.
  const bool overflows = !std::isfinite(to_float(best->logit / value));
  const double origin = overflows ? double{best->logit} : 0.0;
  for (Candidate& c : list) c.logit = to_float((c.logit - origin) / value);
}

Candidate draw(Candidates& candidates, Random& random) {
  const std::vector<Candidate>& list = candidates.list();
  const Softmax softmax(list);
  double left = random.uniform() * softmax.total();
  const Candidate* chosen = &list.front();
  for (const Candidate& c : list) {
    const double weight = softmax.weight(c);
    if (weight <= 0) continue;
    chosen = &c;  // the last one also when rounding leaves a rest
    left -= weight;
    if (left < 0) break;
  }
  return *chosen;
}

}  // namespace longhand
