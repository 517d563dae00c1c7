#include "engine/state/attention/merge_costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/state/attention/codebook.h"
#include "ops/panels.h"

namespace longhand {
namespace {

constexpr float kNever = std::numeric_limits<float>::infinity();

// Loops over codes go by whole panels: inner loops of fixed length become vectors.
using Lanes = std::array<float, kPanelRows>;

Lanes lanes(const float* from) noexcept {
  Lanes out;
  std::copy_n(from, kPanelRows, out.begin());
  return out;
}

}  // namespace

MergeCosts::MergeCosts(int heads, int codes, int dim) noexcept
    : heads_(heads), dim_(dim), padded_(panel_count(codes) * kPanelRows) {}

std::uint64_t MergeCosts::bytes() const noexcept {
  return std::uint64_t(heads_) * sizeof(float) *
         (std::uint64_t(padded_) * std::uint64_t(dim_ + 4) + 2 * std::uint64_t(dim_));
}

std::size_t MergeCosts::scratch_bytes() const noexcept {
  return std::size_t(2 * padded_ + dim_) * sizeof(float);
}

void MergeCosts::reserve() {
  const auto codes = std::size_t(heads_) * std::size_t(padded_),
             dims = std::size_t(heads_) * std::size_t(dim_);
  vectors_ = Buffer(codes * std::size_t(dim_) * sizeof(float));
  for (Buffer* b : {&half_norms_, &keys_, &costs_}) *b = Buffer(codes * sizeof(float));
  partners_ = Buffer(codes * sizeof(std::int32_t));
  for (Buffer* b : {&near_, &roots_}) *b = Buffer(dims * sizeof(float));
  clear();
}

void MergeCosts::clear() noexcept {
  const std::int64_t codes = std::int64_t{heads_} * padded_;
  std::fill_n(vectors_.as<float>(), codes * dim_, 0.0f);
  std::fill_n(half_norms_.as<float>(), codes, kNever);
  std::fill_n(keys_.as<float>(), codes, 1.0f);
  std::fill_n(costs_.as<float>(), codes, kNever);
  std::fill_n(partners_.as<std::int32_t>(), codes, kNone);
  for (const Buffer* b : {&near_, &roots_}) std::fill_n(b->as<float>(), std::int64_t{heads_} * dim_, 0.0f);
}

void MergeCosts::live(const VisitBytes& visit) const {
  const auto codes = std::size_t(heads_) * std::size_t(padded_),
             dims = std::size_t(heads_) * std::size_t(dim_);
  visit(vectors_.data(), codes * std::size_t(dim_) * sizeof(float));
  for (const Buffer* b : {&half_norms_, &keys_, &costs_, &partners_}) visit(b->data(), codes * sizeof(float));
  for (const Buffer* b : {&near_, &roots_}) visit(b->data(), dims * sizeof(float));
}

bool MergeCosts::sound(int head, int used) const noexcept {
  for (int c = 0; c < padded_; ++c) {
    const std::int32_t partner = partners(head)[c];
    if (partner < kNone || partner >= used || partner == c) return false;
    // Nobody may find a code that is not there.
    if (c >= used && (row(half_norms_, head)[c] != kNever || row(costs_, head)[c] != kNever)) return false;
  }
  return true;
}

void MergeCosts::begin(int head, const float* near, const float* weights) noexcept {
  std::copy_n(near, dim_, near_.as<float>() + std::int64_t{head} * dim_);
  float* roots = roots_.as<float>() + std::int64_t{head} * dim_;
  for (int d = 0; d < dim_; ++d) roots[d] = std::sqrt(weights[d]);
}

// Where a vector stands in this geometry, and half its squared length there.
float MergeCosts::place(int head, const float* vector, float* point) const noexcept {
  const float* near = near_.as<float>() + std::int64_t{head} * dim_;
  const float* roots = roots_.as<float>() + std::int64_t{head} * dim_;
  for (int d = 0; d < dim_; ++d) point[d] = (vector[d] - near[d]) * roots[d];
  return half_norm(point, dim_);
}

void MergeCosts::set(int head, int code, const float* mean, std::uint32_t keys) noexcept {
  const float* near = near_.as<float>() + std::int64_t{head} * dim_;
  const float* roots = roots_.as<float>() + std::int64_t{head} * dim_;
  float* panel = vectors(head) + std::int64_t{code} / kPanelRows * kPanelRows * dim_ + code % kPanelRows;
  double sum = 0;
  for (int d = 0; d < dim_; ++d) {
    const float x = (mean[d] - near[d]) * roots[d];
    panel[d * kPanelRows] = x;
    sum += double(x) * double(x);
  }
  row(half_norms_, head)[code] = float(sum / 2);
  row(keys_, head)[code] = float(keys);
}

void MergeCosts::forget(int head, int code) noexcept {
  row(costs_, head)[code] = kNever;
  partners(head)[code] = kNone;
}

// What joining n keys at point() costs with each code: one product of a matrix and a vector.
void MergeCosts::price(const Place& at, float n, float half_norm, float* costs) const noexcept {
  MatmulArgs a;
  a.panels = reinterpret_cast<const std::byte*>(vectors(at.head));
  a.panel_bytes = std::int64_t(panel_bytes(kFormatF32, dim_));
  a.rows = padded_;
  a.cols = dim_;
  a.panel_end = padded_ / kPanelRows;
  a.x.f32 = point(at);
  a.x.f32_stride = dim_;
  a.tokens = 1;
  a.out = costs;
  a.out_stride = padded_;
  at.kernels.matmul[kFormatF32](a);
  const float *halves = row(half_norms_, at.head), *keys = row(keys_, at.head);
  for (int start = 0; start < padded_; start += kPanelRows) {
    Lanes cost = lanes(costs + start);
    const Lanes half = lanes(halves + start), m = lanes(keys + start);
    for (std::size_t i = 0; i < cost.size(); ++i) {
      const float off = half[i] + half_norm - cost[i];  // half the squared distance
      cost[i] = 2 * n * m[i] / (n + m[i]) * (off > 0 ? off : 0);
    }
    std::copy(cost.begin(), cost.end(), costs + start);
  }
}

void MergeCosts::price_code(const Place& at, int code) const noexcept {
  const float* panel =
      vectors(at.head) + std::int64_t{code} / kPanelRows * kPanelRows * dim_ + code % kPanelRows;
  for (int d = 0; d < dim_; ++d) point(at)[d] = panel[d * kPanelRows];
  price(at, row(keys_, at.head)[code], row(half_norms_, at.head)[code], code_costs(at));
  code_costs(at)[code] = kNever;
}

// The first of the least.
MergeCosts::Candidate MergeCosts::least(const float* costs) const noexcept {
  Lanes best = lanes(costs);
  for (int start = kPanelRows; start < padded_; start += kPanelRows) {
    const Lanes cost = lanes(costs + start);
    for (std::size_t i = 0; i < best.size(); ++i) best[i] = cost[i] < best[i] ? cost[i] : best[i];
  }
  const float value = *std::min_element(best.begin(), best.end());
  const float* found = std::find(costs, costs + padded_, value);
  return found == costs + padded_ ? Candidate{0, kNever} : Candidate{int(found - costs), value};
}

MergeCosts::Candidate MergeCosts::of_key(const Place& at, const float* key) const noexcept {
  price(at, 1, place(at.head, key, point(at)), key_costs(at));
  return least(key_costs(at));
}

void MergeCosts::relink(const Place& at, int code) noexcept {
  price_code(at, code);
  link(at.head, code, code_costs(at));
}

void MergeCosts::link_key(const Place& at, int code, int relinked) noexcept {
  if (relinked != kNone) key_costs(at)[relinked] = code_costs(at)[code];
  key_costs(at)[code] = kNever;
  link(at.head, code, key_costs(at));
}

// Of a code whose partner has moved away, its cost stays as a bound: no other was cheaper. Most such codes
// are told of something cheaper before anybody asks for more.
void MergeCosts::link(int head, int code, const float* costs) noexcept {
  float* known = row(costs_, head);
  std::int32_t* partner = partners(head);
  for (int start = 0; start < padded_; start += kPanelRows) {
    const Lanes cost = lanes(costs + start), before = lanes(known + start);
    int touched = 0;
    for (int i = 0; i < kPanelRows; ++i)
      touched += (cost[std::size_t(i)] < before[std::size_t(i)]) | (partner[start + i] == code);
    if (touched == 0) continue;
    for (int c = start; c < start + kPanelRows; ++c) {
      if (costs[c] < known[c]) {
        known[c] = costs[c];
        partner[c] = code;
      } else if (partner[c] == code) {
        partner[c] = kNone;
      }
    }
  }
  const Candidate best = least(costs);
  known[code] = best.cost;
  partner[code] = best.cost < kNever ? best.code : kNone;
}

MergeCosts::Candidate MergeCosts::tightest(const Place& at, float below) noexcept {
  const float* known = row(costs_, at.head);
  while (true) {
    const Candidate best = least(known);
    if (!(best.cost < below) || partners(at.head)[best.code] != kNone) return best;
    price_code(at, best.code);
    const Candidate now = least(code_costs(at));
    row(costs_, at.head)[best.code] = now.cost;
    partners(at.head)[best.code] = now.cost < kNever ? now.code : kNone;
  }
}

}  // namespace longhand
