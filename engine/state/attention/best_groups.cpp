#include "engine/state/attention/best_groups.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/state/cache_rows.h"

namespace longhand {
namespace {

int whole_blocks(int n) { return (n + kKeyBlock - 1) / kKeyBlock * kKeyBlock; }

std::size_t whole_lines(std::int64_t bytes) { return std::size_t((bytes + 63) / 64 * 64); }

}  // namespace

BestGroups::BestGroups(const MemorySite& s)
    : kv_(s.kv),
      rows_(s.kv.keys, s.kv.keys, s.kv.key_dim, s.kv.key_dim),
      budget_(s.plan.exact),
      codes_(s.plan.codes),
      keys_(on() ? chunks_for(s.context, s.context) : 0, kAttendKeys, s.core.kv_heads,
            kKeyBlock * rows_.value_row_bytes()),
      values_(on() ? chunks_for(s.context, s.context) : 0, kAttendKeys, s.core.kv_heads,
              kKeyBlock * kv_.value_row_bytes()),
      members_(s.core.kv_heads, codes_, on() ? s.context : 0) {}

// The gathered keys and values; a partial result; the chosen codes of each row.
std::size_t BestGroups::scratch_bytes() const noexcept {
  if (!on()) return 0;
  const int keys = whole_blocks(budget_);
  return whole_lines(keys / kKeyBlock * kv_.key_block_bytes()) + whole_lines(keys * kv_.value_row_bytes()) +
         sizeof(float) * std::size_t(kv_.value_dim) + sizeof(int) * std::size_t(kAttendRows * (codes_ + 1));
}

KvView BestGroups::gathered(std::byte* scratch) const noexcept {
  const auto keys = whole_lines(whole_blocks(budget_) / kKeyBlock * kv_.key_block_bytes());
  return {scratch,     scratch + keys, kv_.key_block_bytes(), kv_.value_row_bytes(),
          kv_.key_dim, kv_.value_dim,  kv_.value_in_key};
}

void BestGroups::reserve() {
  keys_.reserve();
  values_.reserve();
  members_.reserve();
}

void BestGroups::store(const NewToken& t) noexcept {
  if (!on()) return;
  const int at = t.position % kAttendKeys;
  t.kernels.store_value[int(rows_.values)](view_of(rows_, keys_, keys_, t.kv_head, t.position), at, t.key);
  if (!kv_.apart()) return;
  t.kernels.store_value[int(kv_.values)](view_of(kv_, keys_, values_, t.kv_head, t.position), at, t.value);
}

// The codes with the largest weights whose tokens fit the budget; their weights become 0.
int BestGroups::choose(const std::uint32_t* tokens, float* weights, int* codes) const noexcept {
  int* end = codes;
  for (int c = 0; c < codes_; ++c) {
    if (weights[c] > 0) *end++ = c;  // no NaN, which nothing could put in order
  }
  const auto worse = [weights](int a, int b) {
    return weights[a] != weights[b] ? weights[a] < weights[b] : a > b;
  };
  std::make_heap(codes, end, worse);
  int* const all = end;
  int* first = end;  // what was chosen is kept behind the heap
  for (auto left = std::uint32_t(budget_); left > 0 && end > codes;) {
    std::pop_heap(codes, end--, worse);
    if (tokens[*end] > left) continue;
    left -= tokens[*end];
    weights[*end] = 0;
    std::swap(*--first, *end);
  }
  std::reverse(first, all);
  std::copy(first, all, codes);
  return int(all - first);
}

// Keys and values of all tokens of the chosen codes (their number, then they); returns how many there are.
int BestGroups::gather(const KvView& to, int head, const std::uint32_t* tokens,
                       const int* chosen) const noexcept {
  int count = 0;
  for (int i = 1; i <= chosen[0]; ++i) {
    members_.each(head, chosen[i], tokens[chosen[i]], [&](int position) {
      const int at = position % kAttendKeys;
      place_key(kv_, keys_.chunk(head, position) + at * rows_.value_row_bytes(), to, count);
      std::copy_n(values_.chunk(head, position) + at * to.value_row_bytes, to.value_row_bytes,
                  to.values + count * to.value_row_bytes);
      ++count;
    });
  }
  return count;
}

void BestGroups::attend(const Tile& tile, const Summary& summary, std::byte* scratch,
                        const Partials& to) const noexcept {
  const KvView view = gathered(scratch);
  auto* acc =
      reinterpret_cast<float*>(view.values + whole_lines(whole_blocks(budget_) * view.value_row_bytes));
  auto* chosen = reinterpret_cast<int*>(acc + kv_.value_dim);  // (rows, codes + 1) their number, then they
  summary.far.score(tile, summary.queries, 0, to);
  for (int r = 0; r < tile.rows; ++r) {
    float* weights = tile.scratch.scores.as<float>() + std::int64_t{r} * kAttendKeys;
    int* row = chosen + r * (codes_ + 1);
    row[0] = choose(summary.tokens, weights, row + 1);
    float sum = 0;
    for (int c = 0; c < codes_; ++c) sum += weights[c];
    to.l[r] = sum;
    if (sum == 0) to.m[r] = -std::numeric_limits<float>::infinity();
  }
  summary.far.weigh(tile, 0, to);
  for (int r = 0; r < tile.rows; ++r) {
    const int n = gather(view, tile.kv_head, summary.tokens, chosen + r * (codes_ + 1));
    Tile one{tile.kernels, tile.scratch, tile.softcap, tile.kv_head, 1};
    one.far_query[0] = tile.far_query[std::size_t(r)];
    const auto to_last = [n](int) { return n; };
    float m = 0, l = 0;
    attend_keys(one, one.far_query, {view, kv_.keys, kv_.values}, seen(one, from_start, to_last),
                {&m, &l, acc});
    tile.kernels.merge_partials(&to.m[r], &to.l[r], to.acc + std::int64_t{r} * kv_.value_dim, m, l, acc,
                                kv_.value_dim);
  }
}

}  // namespace longhand
