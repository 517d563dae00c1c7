// Codes learned while running, for models that were trained without any. Every key that leaves the window
// becomes a code of its own. Once the codebook is full, room is made by the merge that costs least: of two
// codes, or of the key and a code. So what is rare stays by itself and can be found again, and what says much
// the same is told by few codes. (A codebook made by k-means of the first keys loses later facts: they find
// only codes of other things.) Keys come one after the other in the order of the text, so results do not
// depend on how it was fed.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "engine/memory/best_groups.h"
#include "engine/memory/vq.h"

namespace longhand {
namespace {

constexpr float kNever = std::numeric_limits<float>::infinity();

class LearnedVq final : public Codes {
 public:
  explicit LearnedVq(const MemorySite& s)
      : Codes(s, 1, s.plan.codes, s.kv.key_dim * (s.plan.second_order ? 2 : 1)),
        second_order_(s.plan.second_order),
        weighted_(s.plan.weighted),
        groups_(s),
        observed_(std::size_t(s.kv_heads)),
        squares_(std::size_t(s.kv_heads * dim_)),
        weights_(std::size_t(s.kv_heads * dim_)),
        used_(std::size_t(s.kv_heads)),
        vectors_(all_codes() * std::size_t(dim_)),
        cost_(all_codes()),
        partner_(all_codes()),
        stale_(all_codes()) {}

  std::size_t scratch_bytes() const noexcept override { return extended_bytes() + groups_.scratch_bytes(); }

  void store(const NewToken& t) noexcept override {
    groups_.store(t);  // before the key is turned
    Codes::store(t);
  }

  // The queries before the first key becomes a code say which dimensions matter.
  bool observes(int position) const noexcept override { return weighted_ && position < 2 * window(); }
  void observe(int head, int position, const float* far_queries, int n) noexcept override {
    int& seen = observed_[std::size_t(head)];
    if (position < seen) return;
    seen = position + 1;
    double* squares = squares_.data() + std::ptrdiff_t{head} * dim_;
    for (int i = 0; i < n * dim_; ++i) squares[i % dim_] += double(far_queries[i]) * double(far_queries[i]);
  }

 private:
  std::uint64_t summary_bytes() const noexcept override {
    return Codes::summary_bytes() + groups_.bytes() + observed_.size() * sizeof(int) +
           weights_.size() * (sizeof(float) + sizeof(double)) + used_.size() * sizeof(std::int32_t) +
           all_codes() * (std::size_t(dim_) * sizeof(float) + sizeof(float) + 2 * sizeof(std::int32_t));
  }
  void reserve_summary() override {
    Codes::reserve_summary();
    groups_.reserve();
    clear_summary();
  }
  void clear_summary() noexcept override {
    Codes::clear_summary();
    groups_.clear();
    std::fill(used_.begin(), used_.end(), 0);
    std::fill(cost_.begin(), cost_.end(), kNever);
    std::fill(observed_.begin(), observed_.end(), 0);
    std::fill(squares_.begin(), squares_.end(), 0);
    std::fill(weights_.begin(), weights_.end(), 1.0f);
  }
  void live_summary(const VisitBytes& visit) override {
    const auto all = [&](auto& v) { visit(reinterpret_cast<std::byte*>(v.data()), v.size() * sizeof v[0]); };
    Codes::live_summary(visit);
    far_.live_keys(visit);
    all(used_);
    all(vectors_);
    all(cost_);
    all(partner_);
    all(observed_);
    all(squares_);
    all(weights_);
    groups_.live(visit);
  }
  void held_summary(int size, const VisitBytes& visit) override { groups_.held(size, visit); }
  bool sound_summary(int head, int tokens) const noexcept override {
    const std::int32_t used = used_[std::size_t(head)];
    if (!Codes::sound_summary(head, tokens) || used < 0 || used > far_.count()) return false;
    for (int c = 0; c < far_.count(); ++c) {
      if (groups_.on() && groups_.size(head, c, tokens) != int(tokens_of(head, c))) return false;
      if (cost_[at(head, c)] != kNever && (partner_[at(head, c)] < 0 || partner_[at(head, c)] >= used))
        return false;
    }
    return true;
  }

  int summary_parts() const noexcept override { return groups_.on() ? 1 : far_.parts(); }
  void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept override {
    const QueryRows queries = second_order_ ? extend(tile) : tile.far_query;
    if (groups_.on()) {
      groups_.attend(tile, far_, queries, tile.scratch.memory.data() + extended_bytes(), to);
    } else {
      far_.attend(tile, queries, part, to);
    }
  }

  // Where the keys of a code scatter around c with variances v, the mean of exp(q . k) is about
  // exp(q . c + sum_d q_d^2 v_d / 2): far keys are (c, v) and queries (q, q^2 / 2).
  std::size_t extended_bytes() const noexcept {
    return second_order_ ? std::size_t(2 * kAttendRows * dim_) * sizeof(float) : 0;
  }
  QueryRows extend(const Tile& tile) const noexcept {
    QueryRows rows{};
    for (int r = 0; r < tile.rows; ++r) {
      const float* q = tile.far_query[std::size_t(r)];
      float* row = tile.scratch.memory.as<float>() + std::int64_t{r} * 2 * dim_;
      for (int d = 0; d < dim_; ++d) {
        row[d] = q[d];
        row[dim_ + d] = q[d] * q[d] / 2;
      }
      rows[std::size_t(r)] = row;
    }
    return rows;
  }

  void take_in(const Leaving& l) noexcept override {
    if (l.from == 0) learn_weights(l.head);
    float* key = l.scratch.acc.as<float>();
    for (int position = std::max(l.from, sinks()); position < l.to; ++position) {
      key_of(l.head, position, key);
      learn(l, position, key);
    }
  }

  // Distances weigh dimension d by weights_.
  const float* weights(int head) const noexcept { return weights_.data() + std::ptrdiff_t{head} * dim_; }

  void learn_weights(int head) noexcept {
    constexpr double kLeast = 1e-3;  // no dimension is ignored
    const double* squares = squares_.data() + std::ptrdiff_t{head} * dim_;
    double sum = 0;
    for (int d = 0; d < dim_; ++d) sum += squares[d];
    if (!weighted_ || !(sum > 0)) return;
    for (int d = 0; d < dim_; ++d)
      weights_[std::size_t(head * dim_ + d)] = float(std::max(kLeast, squares[d] * dim_ / sum));
  }

  void learn(const Leaving& l, int position, const float* key) noexcept {
    std::int32_t& used = used_[std::size_t(l.head)];
    if (used < far_.count()) {
      add(l, used++, position, key);
      return relink(l.head, used - 1);
    }
    int nearest = 0;
    float least = kNever;
    for (int c = 0; c < used; ++c) {
      const float cost = merge_cost(1, float(tokens_of(l.head, c)), distance(l.head, key, vector(l.head, c)));
      if (cost < least) {
        least = cost;
        nearest = c;
      }
    }
    const float* costs = &cost_[at(l.head, 0)];
    const int tight = int(std::min_element(costs, costs + used) - costs);
    if (least <= costs[tight]) {
      add(l, nearest, position, key);
      return relink(l.head, nearest);
    }
    const int other = partner_[at(l.head, tight)];
    join(l.head, other, tight);
    add(l, other, position, key);
    cost_[at(l.head, tight)] = cost_[at(l.head, other)] = kNever;
    relink(l.head, tight);
    relink(l.head, other);
  }

  // What the sum of squared distances of keys from their codes grows by when n of them and m join (Ward
  // 1963).
  static float merge_cost(float n, float m, float distance) noexcept { return n * m / (n + m) * distance; }

  float distance(int head, const float* a, const float* b) const noexcept {
    constexpr int kLanes = 8;  // sums of their own, so that the compiler may use vectors
    const float* w = weights(head);
    std::array<float, kLanes> sums{};
    int d = 0;
    for (; d + kLanes <= dim_; d += kLanes) {
      for (int i = 0; i < kLanes; ++i) {
        const float off = a[d + i] - b[d + i];
        sums[std::size_t(i)] += w[d + i] * off * off;
      }
    }
    for (; d < dim_; ++d) sums[0] += w[d] * (a[d] - b[d]) * (a[d] - b[d]);
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
  }

  std::size_t at(int head, int code) const noexcept {
    return std::size_t(head) * std::size_t(far_.count()) + std::size_t(code);
  }
  float* vector(int head, int code) noexcept { return &vectors_[at(head, code) * std::size_t(dim_)]; }

  // After a code has changed: its cheapest partner, and whether it has become that of others, or no longer
  // is.
  void relink(int head, int code) noexcept {
    int stale = 0;
    scan(head, code, [&](int other, float cost) {
      float& best = cost_[at(head, other)];
      std::int32_t& partner = partner_[at(head, other)];
      if (cost < best) {
        best = cost;
        partner = code;
      } else if (partner == code) {
        stale_[at(head, stale++)] = other;
      }
    });
    for (int i = 0; i < stale; ++i) scan(head, stale_[at(head, i)], [](int, float) {});
  }

  // Finds the cheapest partner of a code, telling of every candidate.
  template <class Tell>
  void scan(int head, int code, const Tell& tell) noexcept {
    float least = kNever;
    int partner = code;
    for (int other = 0; other < used_[std::size_t(head)]; ++other) {
      if (other == code) continue;
      const float cost = merge_cost(float(tokens_of(head, code)), float(tokens_of(head, other)),
                                    distance(head, vector(head, code), vector(head, other)));
      if (cost < least) {
        least = cost;
        partner = other;
      }
      tell(other, cost);
    }
    cost_[at(head, code)] = least;
    partner_[at(head, code)] = partner;
  }

  // Rows of scratch beside the keys of a lookup.
  float* spare(const Leaving& l, int row) const noexcept {
    return l.scratch.acc.as<float>() + (std::ptrdiff_t{kLookup} + row) * std::max(dim_, far_.value_dim());
  }

  // The code moves to the mean of its keys, and its variances to theirs.
  void add(const Leaving& l, int code, int position, const float* key) noexcept {
    float* value = spare(l, 0);
    value_of(l.head, position, value);
    count_in(l.head, code, value);
    groups_.add(l.head, code, position);
    const auto n = float(tokens_of(l.head, code));
    const std::span<float> mean(spare(l, 1), std::size_t(dim_)), variance(spare(l, 2), std::size_t(dim_));
    far_.get_key(l.head, code, mean);
    if (second_order_) far_.get_key(l.head, code, variance, dim_);
    for (std::size_t d = 0; d < mean.size(); ++d) {
      const float off = key[d] - mean[d];
      mean[d] = n == 1 ? key[d] : mean[d] + off / n;
      variance[d] = n == 1 ? 0 : variance[d] + (off * (key[d] - mean[d]) - variance[d]) / n;
    }
    far_.set_key(l.head, code, mean);
    if (second_order_) far_.set_key(l.head, code, variance, dim_);
    std::copy(mean.begin(), mean.end(), vector(l.head, code));
  }

  // Count, mean key, mean value and variances of two codes give exactly those of all their keys.
  void join(int head, int from, int to) noexcept {
    const std::uint32_t n = tokens_of(head, from) + tokens_of(head, to);
    const float share = float(tokens_of(head, from)) / float(n);
    const auto mix = [&](float& a, float b) { a += share * (b - a); };
    for (int d = 0; d < dim_; ++d) {
      float a, b;
      far_.get_key(head, from, {&a, 1}, d);
      far_.get_key(head, to, {&b, 1}, d);
      const float off = a - b;
      mix(b, a);
      far_.set_key(head, to, {&b, 1}, d);
      if (!second_order_) continue;
      far_.get_key(head, from, {&a, 1}, dim_ + d);
      far_.get_key(head, to, {&b, 1}, dim_ + d);
      mix(b, a);
      b += share * (1 - share) * off * off;
      far_.set_key(head, to, {&b, 1}, dim_ + d);
    }
    for (int d = 0; d < far_.value_dim(); ++d) mix(far_.value(head, to)[d], far_.value(head, from)[d]);
    tokens_of(head, to) = n;
    tokens_of(head, from) = 0;
    far_.bias(head)[to] = bias_of(n);
    far_.bias(head)[from] = bias_of(0);
    groups_.join(head, from, to);
    far_.get_key(head, to, {vector(head, to), std::size_t(dim_)});
  }

  bool second_order_, weighted_;
  BestGroups groups_;
  std::vector<int> observed_;                  // (kv_heads) positions whose queries were seen
  std::vector<double> squares_;                // (kv_heads, head_dim) sum of squares of far queries
  std::vector<float> weights_;                 // (kv_heads, head_dim)
  std::vector<std::int32_t> used_;             // (kv_heads) codes
  std::vector<float> vectors_;                 // (kv_heads, codes, head_dim) their vectors, for distances
  std::vector<float> cost_;                    // (kv_heads, codes) of joining the cheapest partner
  std::vector<std::int32_t> partner_, stale_;  // (kv_heads, codes); stale_ is room for relink()
};

}  // namespace

std::unique_ptr<Memory> make_learned_vq(const MemorySite& site) { return std::make_unique<LearnedVq>(site); }

}  // namespace longhand
