// Codes learned while running, for models that were trained without any. The text stays exact until four
// blocks can leave the window; they make the first codebook. From then on a code is the mean of the keys it
// was given, and moves with each of them (mini-batch k-means, Sculley 2010). A key far from all codes gets
// one of its own where that costs less than it wins: the rarest code joins its neighbour. What happens
// depends on absolute positions alone, so results do not depend on how the text was fed.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "engine/memory/best_groups.h"
#include "engine/memory/k_means.h"
#include "engine/memory/vq.h"

namespace longhand {
namespace {

constexpr int kFirstBlocks = 4, kPasses = 3;
constexpr float kNobody = std::numeric_limits<float>::infinity();  // half norm of a code without keys

class LearnedVq final : public Codes {
 public:
  explicit LearnedVq(const MemorySite& s)
      : Codes(s, kFirstBlocks, s.plan.codes, s.kv.key_dim * (s.plan.second_order ? 2 : 1)),
        seed_(std::uint64_t(s.layer) << 32),
        second_order_(s.plan.second_order),
        weighted_(s.plan.weighted),
        groups_(s),
        observed_(std::size_t(s.kv_heads)),
        squares_(std::size_t(s.kv_heads * dim_)),
        weights_(std::size_t(s.kv_heads * dim_)) {}

  std::size_t scratch_bytes() const noexcept override {
    return std::max(KeySet::bytes(kFirstBlocks * window(), far_.count(), dim_),
                    extended_bytes() + groups_.scratch_bytes());
  }

  void store(const NewToken& t) noexcept override {
    groups_.store(t);  // before the key is turned
    Codes::store(t);
  }

  // The queries of the text that makes the first codebook say which dimensions matter.
  bool observes(int position) const noexcept override {
    return weighted_ && position < (kFirstBlocks + 1) * window();
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
    return Codes::summary_bytes() + groups_.bytes() + observed_.size() * sizeof(int) +
           weights_.size() * (sizeof(float) + sizeof(double));
  }
  void reserve_summary() override {
    Codes::reserve_summary();
    groups_.reserve();
    clear_summary();
  }
  void clear_summary() noexcept override {
    Codes::clear_summary();
    groups_.clear();
    std::fill_n(half_norms_.as<float>(), all_codes(), kNobody);
    std::fill(observed_.begin(), observed_.end(), 0);
    std::fill(squares_.begin(), squares_.end(), 0);
    std::fill(weights_.begin(), weights_.end(), 1.0f);
  }
  void live_summary(const VisitBytes& visit) override {
    const auto all = [&](auto& v) { visit(reinterpret_cast<std::byte*>(v.data()), v.size() * sizeof v[0]); };
    Codes::live_summary(visit);
    far_.live_keys(visit);
    visit(half_norms_.data(), all_codes() * sizeof(float));
    all(observed_);
    all(squares_);
    all(weights_);
    groups_.live(visit);
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
    if (l.from == 0) return start(l);
    for (int from = std::max(l.from, sinks()); from < l.to; from += kLookup)
      take_in_few(l, from, std::min(kLookup, l.to - from));
  }

  // Distances weigh dimension d by weights_: w (k - c)^2 = w k^2 + 2 (c^2 w / 2 - (w k) c).
  const float* weights(int head) const noexcept { return weights_.data() + std::ptrdiff_t{head} * dim_; }
  float weighed_half_norm(int head, const float* vector) const noexcept {
    double sum = 0;
    for (int d = 0; d < dim_; ++d) sum += double(weights(head)[d]) * double(vector[d]) * double(vector[d]);
    return float(sum / 2);
  }
  void weigh(int head, const float* vector, float* weighed) const noexcept {
    for (int d = 0; d < dim_; ++d) weighed[d] = weights(head)[d] * vector[d];
  }

  // The first codebook. While it is made, keys and codes are scaled so that plain distances are weighed ones.
  void start(const Leaving& l) noexcept {
    const int first = std::min(sinks(), l.to);
    learn_weights(l.head);
    KeySet keys(l.scratch.memory.data(), l.to - first, far_.count(), dim_);
    for (int i = 0; i < keys.size(); ++i) {
      key_of(l.head, first + i, keys.key(i));
      for (int d = 0; d < dim_; ++d) keys.key(i)[d] *= std::sqrt(weights(l.head)[d]);
    }
    const auto place = [&](int code, const float* vector) {
      far_.set_key(l.head, code, {vector, std::size_t(dim_)});
      half_norms(l.head)[code] = half_norm(vector, dim_);
    };
    const int codes = keys.choose(l.kernels, far_.count(), seed_ + std::uint64_t(l.head));
    for (int c = 0; c < codes; ++c) place(c, keys.key(keys.chosen(c)));
    const CodeSearch in = search(l.kernels, l.scratch, l.head);
    for (int pass = 0; pass < kPasses; ++pass) {
      keys.assign(in);
      for (int c = 0; c < codes; ++c) {
        if (const float* mean = keys.mean(c)) place(c, mean);
      }
    }
    keys.assign(in);
    std::fill_n(half_norms(l.head), far_.count(), kNobody);
    for (int i = 0; i < keys.size(); ++i) {
      key_of(l.head, first + i, keys.key(i));
      add(l, keys.code(i), first + i, keys.key(i));
    }
  }

  void learn_weights(int head) noexcept {
    constexpr double kLeast = 1e-3;  // no dimension is ignored
    const double* squares = squares_.data() + std::ptrdiff_t{head} * dim_;
    double sum = 0;
    for (int d = 0; d < dim_; ++d) sum += squares[d];
    if (!weighted_ || !(sum > 0)) return;
    for (int d = 0; d < dim_; ++d)
      weights_[std::size_t(head * dim_ + d)] = float(std::max(kLeast, squares[d] * dim_ / sum));
  }

  void take_in_few(const Leaving& l, int from, int n) noexcept {
    auto* keys = l.scratch.acc.as<float>();
    auto* weighed = l.scratch.memory.as<float>();
    std::array<int, kLookup> codes;
    std::array<float, kLookup> distance;  // half its square
    for (int i = 0; i < n; ++i) {
      key_of(l.head, from + i, keys + i * dim_);
      weigh(l.head, keys + i * dim_, weighed + i * dim_);
    }
    nearest_codes(search(l.kernels, l.scratch, l.head), weighed, n, codes.data(), distance.data());
    int worst = 0;
    for (int i = 0; i < n; ++i) {
      float& d = distance[std::size_t(i)];
      d = weighed_half_norm(l.head, keys + i * dim_) - d;
      if (d > distance[std::size_t(worst)]) worst = i;
    }
    for (int i = 0; i < n; ++i) {
      const float* key = keys + i * dim_;
      const float d = distance[std::size_t(i)];
      constexpr float kSame = 1e-6f;  // of a key's norm: a code's vector but for rounding
      if (d > kSame * weighed_half_norm(l.head, key)) {
        const int own = own_code(l, codes, i == worst ? d : 0);
        if (own >= 0) codes[std::size_t(i)] = own;
      }
      add(l, codes[std::size_t(i)], from + i, key);
    }
  }

  // An unused code, or the rarest one, where its keys lose less by joining a neighbour than `gain`; else -1.
  int own_code(const Leaving& l, std::span<int> codes, float gain) noexcept {
    const std::uint32_t* tokens = &tokens_of(l.head, 0);
    const int rarest = int(std::min_element(tokens, tokens + far_.count()) - tokens);
    if (tokens[rarest] == 0) return rarest;
    const int neighbour = gain > 0 ? cheap_neighbour(l, rarest, gain) : -1;
    if (neighbour < 0) return -1;
    join(l.head, rarest, neighbour);
    for (int& code : codes) code = code == rarest ? neighbour : code;
    return rarest;
  }

  // The code next to `code`, if joining the two loses less than `gain`: the sum of squared distances of n_a
  // and n_b keys grows by n_a n_b / (n_a + n_b) |a - b|^2.
  int cheap_neighbour(const Leaving& l, int code, float gain) noexcept {
    float* vector = spare(l, 0);
    float* weighed = l.scratch.memory.as<float>() + std::ptrdiff_t{kLookup} * dim_;
    far_.get_key(l.head, code, {vector, std::size_t(dim_)});
    weigh(l.head, vector, weighed);
    int neighbour = 0;
    float closeness = 0, &own = half_norms(l.head)[code];
    const float before = std::exchange(own, kNobody);
    nearest_codes(search(l.kernels, l.scratch, l.head), weighed, 1, &neighbour, &closeness);
    own = before;
    const double a = tokens_of(l.head, code), b = tokens_of(l.head, neighbour);
    return a * b / (a + b) * double(before - closeness) < double(gain) ? neighbour : -1;
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
    half_norms(l.head)[code] = weighed_half_norm(l.head, mean.data());
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
    far_.bias(head)[to] = float(std::log(double(n)));
    far_.bias(head)[from] = -std::numeric_limits<float>::infinity();
    half_norms(head)[from] = kNobody;
    groups_.join(head, from, to);
    update_half_norm(head, to);
  }

  void update_half_norm(int head, int code) noexcept {
    double sum = 0;
    for (int d = 0; d < dim_; ++d) {
      float x;
      far_.get_key(head, code, {&x, 1}, d);
      sum += double(weights(head)[d]) * double(x) * double(x);
    }
    half_norms(head)[code] = float(sum / 2);
  }

  std::uint64_t seed_;
  bool second_order_, weighted_;
  BestGroups groups_;
  std::vector<int> observed_;    // (kv_heads) positions whose queries were seen
  std::vector<double> squares_;  // (kv_heads, head_dim) sum of squares of far queries
  std::vector<float> weights_;   // (kv_heads, head_dim)
};

}  // namespace

std::unique_ptr<Memory> make_learned_vq(const MemorySite& site) { return std::make_unique<LearnedVq>(site); }

}  // namespace longhand
