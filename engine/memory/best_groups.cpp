#include "engine/memory/best_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace longhand {
namespace {

int whole_blocks(int n) { return (n + kKeyBlock - 1) / kKeyBlock * kKeyBlock; }

}  // namespace

BestGroups::BestGroups(const MemorySite& s)
    : kv_(s.kv),
      exact_(CacheFormat::f32, CacheFormat::f32, s.kv.key_dim, s.kv.value_dim),
      budget_(s.plan.exact),
      codes_(s.plan.codes),
      keys_(on() ? chunks_for(s.context, s.context) : 0, kAttendKeys, s.kv_heads, kv_.key_block_bytes()),
      values_(on() ? chunks_for(s.context, s.context) : 0, kAttendKeys, s.kv_heads,
              kKeyBlock * kv_.value_row_bytes()),
      members_(s.kv_heads, codes_, on() ? s.context : 0) {}

// The chosen codes of each row; a key, a partial result; the gathered keys and values.
std::size_t BestGroups::scratch_bytes() const noexcept {
  if (!on()) return 0;
  const auto dims = std::size_t(kv_.key_dim + kv_.value_dim);
  return sizeof(float) *
         (std::size_t(kAttendRows * (codes_ + 1)) + dims * std::size_t(whole_blocks(budget_) + 1));
}

void BestGroups::reserve() {
  keys_.reserve();
  values_.reserve();
  members_.reserve();
}

void BestGroups::store(const NewToken& t) noexcept {
  if (!on()) return;
  const KvView view = view_of(kv_, keys_, values_, t.kv_head, t.position);
  t.kernels.store_key[int(kv_.keys)](view, t.position % kAttendKeys, t.key);
  t.kernels.store_value[int(kv_.values)](view, t.position % kAttendKeys, t.value);
}

// The codes with the largest weights whose tokens fit the budget; their weights become 0.
int BestGroups::choose(const FarKeys& far, int head, float* weights, int* codes) const noexcept {
  for (int c = 0; c < codes_; ++c) codes[c] = c;
  // A broken model has NaN among the weights, which no order knows; they count as 0, which is never chosen.
  const auto worth = [weights](int code) { return weights[code] > 0 ? weights[code] : 0; };
  std::sort(codes, codes + codes_,
            [worth](int a, int b) { return worth(a) != worth(b) ? worth(a) > worth(b) : a < b; });
  int n = 0, left = budget_;
  for (int i = 0; i < codes_ && left > 0 && weights[codes[i]] > 0; ++i) {
    const int tokens = int(std::lround(std::exp(double(far.bias(head)[codes[i]]))));
    if (tokens > left) continue;
    left -= tokens;
    weights[codes[i]] = 0;
    codes[n++] = codes[i];
  }
  return n;
}

// Keys and values of all tokens of n codes; returns how many there are.
int BestGroups::gather(const KvView& to, int head, const int* codes, int n, float* key) const noexcept {
  int count = 0;
  for (int i = 0; i < n; ++i) {
    members_.each(head, codes[i], [&](int position) {
      const KvView from = view_of(kv_, keys_, values_, head, position);
      read_key(kv_, from, position % kAttendKeys, key);
      auto* block = reinterpret_cast<float*>(to.keys + count / kKeyBlock * to.key_block_bytes);
      for (int d = 0; d < kv_.key_dim; ++d) block[d * kKeyBlock + count % kKeyBlock] = key[d];
      read_value(kv_, from, position % kAttendKeys,
                 reinterpret_cast<float*>(to.values + count * to.value_row_bytes));
      ++count;
    });
  }
  return count;
}

void BestGroups::attend(const Tile& tile, const FarKeys& far, const QueryRows& queries, std::byte* scratch,
                        const Partials& to) const noexcept {
  auto* chosen = reinterpret_cast<int*>(scratch);  // (rows, codes + 1) their number, then they
  auto* key = reinterpret_cast<float*>(chosen + kAttendRows * (codes_ + 1));
  float* acc = key + kv_.key_dim;
  const KvView view{reinterpret_cast<std::byte*>(acc + kv_.value_dim),
                    reinterpret_cast<std::byte*>(acc + kv_.value_dim + whole_blocks(budget_) * kv_.key_dim),
                    exact_.key_block_bytes(),
                    exact_.value_row_bytes(),
                    kv_.key_dim,
                    kv_.value_dim};
  far.score(tile, queries, 0, to);
  for (int r = 0; r < tile.rows; ++r) {
    float* weights = tile.scratch.scores.as<float>() + std::int64_t{r} * kAttendKeys;
    int* row = chosen + r * (codes_ + 1);
    row[0] = choose(far, tile.kv_head, weights, row + 1);
    float sum = 0;
    for (int c = 0; c < codes_; ++c) sum += weights[c];
    to.l[r] = sum;
    if (sum == 0) to.m[r] = -std::numeric_limits<float>::infinity();
  }
  far.weigh(tile, 0, to);
  for (int r = 0; r < tile.rows; ++r) {
    const int* row = chosen + r * (codes_ + 1);
    const int n = gather(view, tile.kv_head, row + 1, row[0], key);
    Tile one{tile.kernels, tile.scratch, tile.softcap, tile.kv_head, 1};
    one.far_query[0] = tile.far_query[std::size_t(r)];
    float m = 0, l = 0;
    attend_keys(one, one.far_query, {view, exact_.keys, exact_.values},
                seen(
                    one, [](int) { return 0; }, [n](int) { return n; }),
                {&m, &l, acc});
    tile.kernels.merge_partials(&to.m[r], &to.l[r], to.acc + std::int64_t{r} * kv_.value_dim, m, l, acc,
                                kv_.value_dim);
  }
}

}  // namespace longhand
