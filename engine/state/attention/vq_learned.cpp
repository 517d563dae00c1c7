// Codes learned while running, for models that were trained without any. Every key that leaves the window
// becomes a code of its own. Once the codebook is full, room is made by the merge that costs least: of two
// codes, or of the key and a code. So what is rare stays by itself and can be found again, and what says much
// the same is told by few codes. (A codebook made by k-means of the first keys loses later facts: they find
// only codes of other things.) Keys come one after the other in the order of the text, so results do not
// depend on how it was fed.

#include <algorithm>
#include <span>

#include "engine/state/attention/best_groups.h"
#include "engine/state/attention/merge_costs.h"
#include "engine/state/attention/vq.h"

namespace longhand {
namespace {

class LearnedVq final : public Codes {
 public:
  explicit LearnedVq(const MemorySite& s)
      : Codes(s, s.plan.codes, s.kv.key_dim * (s.plan.second_order ? 2 : 1)),
        second_order_(s.plan.second_order),
        weighted_(s.plan.weighted),
        groups_(s),
        costs_(s.core.kv_heads, s.plan.codes, dim_),
        observed_(std::size_t(s.core.kv_heads)),
        squares_(std::size_t(s.core.kv_heads * dim_)),
        used_(std::size_t(s.core.kv_heads)) {}

  // Keys are taken in and queries answered one after the other.
  std::size_t scratch_bytes() const noexcept override {
    return std::max(costs_.scratch_bytes(), extended_bytes() + groups_.scratch_bytes());
  }

  void store(const NewToken& t) noexcept override {
    groups_.store(t);  // before the key is turned
    Codes::store(t);
  }

  // The queries before the first key becomes a code say which dimensions matter.
  bool observes(int position) const noexcept override {
    return weighted_ && position - window() < window();  // twice a window may not fit an int
  }
  void observe(int head, int position, const float* far_queries, int n) noexcept override {
    int& seen = observed_[std::size_t(head)];
    if (position < seen) return;
    seen = position + 1;
    double* squares = squares_.data() + std::ptrdiff_t{head} * dim_;
    for (int i = 0; i < n * dim_; ++i) squares[i % dim_] += double(far_queries[i]) * double(far_queries[i]);
  }

 private:
  std::uint64_t summary_bytes() const noexcept override {
    return Codes::summary_bytes() + groups_.bytes() + costs_.bytes() + observed_.size() * sizeof(int) +
           squares_.size() * sizeof(double) + used_.size() * sizeof(std::int32_t);
  }
  void reserve_summary() override {
    Codes::reserve_summary();
    groups_.reserve();
    costs_.reserve();
    clear_summary();
  }
  void clear_summary() noexcept override {
    Codes::clear_summary();
    groups_.clear();
    costs_.clear();
    std::fill(used_.begin(), used_.end(), 0);
    std::fill(observed_.begin(), observed_.end(), 0);
    std::fill(squares_.begin(), squares_.end(), 0);
  }
  void live_summary(const VisitBytes& visit) override {
    const auto all = [&](auto& v) { visit(reinterpret_cast<std::byte*>(v.data()), v.size() * sizeof v[0]); };
    Codes::live_summary(visit);
    far_.live_keys(visit);
    all(used_);
    all(observed_);
    all(squares_);
    costs_.live(visit);
    groups_.live(visit);
  }
  void held_summary(int size, const VisitBytes& visit) override { groups_.held(size, visit); }
  bool sound_summary(int head, int tokens) const noexcept override {
    const std::int32_t used = used_[std::size_t(head)];
    if (!Codes::sound_summary(head, tokens) || used < 0 || used > far_.count()) return false;
    for (int c = 0; c < far_.count() && groups_.on(); ++c) {
      if (groups_.size(head, c, tokens) != int(tokens_of(head, c))) return false;
    }
    return costs_.sound(head, used);
  }

  int summary_parts() const noexcept override { return groups_.on() ? 1 : far_.parts(); }
  void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept override {
    const QueryRows queries = second_order_ ? extend(tile) : tile.far_query;
    if (groups_.on()) {
      groups_.attend(tile, {far_, queries, &tokens_of(tile.kv_head, 0)},
                     tile.scratch.memory.data() + extended_bytes(), to);
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
    float* key = l.scratch.acc.as<float>();
    for (int position = std::max(l.from, sinks()); position < l.to; ++position) {
      key_of(l.head, position, key);
      learn(l, position, key);
    }
  }

  // How much dimension d counts in distances: as much as queries ask for it.
  void find_weights(int head, float* weights) const noexcept {
    constexpr double kLeast = 1e-3;  // no dimension is ignored
    const double* squares = squares_.data() + std::ptrdiff_t{head} * dim_;
    double sum = 0;
    for (int d = 0; d < dim_; ++d) sum += squares[d];
    std::fill_n(weights, dim_, 1.0f);
    if (!weighted_ || !(sum > 0)) return;
    for (int d = 0; d < dim_; ++d) weights[d] = float(std::max(kLeast, squares[d] * dim_ / sum));
  }

  void learn(const Leaving& l, int position, const float* key) noexcept {
    const MergeCosts::Place at{l.kernels, l.scratch.memory.data(), l.head};
    std::int32_t& used = used_[std::size_t(l.head)];
    if (used == 0) {
      find_weights(l.head, spare(l, 0));
      costs_.begin(l.head, key, spare(l, 0));
    }
    const MergeCosts::Candidate nearest = costs_.of_key(at, key);
    if (used < far_.count()) {
      add(l, used++, position, key);
      return costs_.link_key(at, used - 1);
    }
    const MergeCosts::Candidate tight = costs_.tightest(at, nearest.cost);
    if (!(tight.cost < nearest.cost)) {
      add(l, nearest.code, position, key);
      return costs_.relink(at, nearest.code);
    }
    const int freed = costs_.partner(l.head, tight.code);
    join(l, freed, tight.code);
    add(l, freed, position, key);
    costs_.forget(l.head, freed);
    costs_.relink(at, tight.code);
    costs_.link_key(at, freed, tight.code);
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
    costs_.set(l.head, code, mean.data(), tokens_of(l.head, code));
  }

  // Count, mean key, mean value and variances of two codes give exactly those of all their keys.
  void join(const Leaving& l, int from, int to) noexcept {
    const int head = l.head;
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
    const std::span<float> mean(spare(l, 0), std::size_t(dim_));
    far_.get_key(head, to, mean);
    costs_.set(head, to, mean.data(), n);
  }

  bool second_order_, weighted_;
  BestGroups groups_;
  MergeCosts costs_;
  std::vector<int> observed_;       // (kv_heads) positions whose queries were seen
  std::vector<double> squares_;     // (kv_heads, head_dim) sum of squares of far queries
  std::vector<std::int32_t> used_;  // (kv_heads) codes
};

}  // namespace

std::unique_ptr<AttentionState> make_learned_vq(const MemorySite& site) {
  return std::make_unique<LearnedVq>(site);
}

}  // namespace longhand
