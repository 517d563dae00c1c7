// The keys of a whole text, which every query sees, also those behind it: of models without a causal order.
// A text is stored in one piece, before any of its queries is asked.

#include <algorithm>

#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"

namespace longhand {
namespace {

class Whole final : public AttentionState {
 public:
  explicit Whole(const MemorySite& s)
      : kv_(s.kv),
        reach_(s.core.window > 0 ? s.core.window / 2 : s.context),
        chunks_(chunks_for(s.context, s.context)),
        keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

  std::uint64_t bytes() const noexcept override { return keys_.bytes() + values_.bytes(); }
  void reserve() override {
    keys_.reserve();
    values_.reserve();
  }

  void store(const NewToken& t) noexcept override {
    t.rotate(t.key, t.turn);
    all().put(t);
  }

  // Queries come all at once, so that their end is that of the text.
  int parts(Queries q) const noexcept override { return (q.end - 1) / kAttendKeys + 1; }
  int most_parts() const noexcept override { return chunks_; }
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override {
    const Keys keys = all().at(tile.kv_head, part * kAttendKeys);
    const auto first = [&](int i) { return std::max(0, i - reach_); };
    const auto end = [&](int i) { return std::min(q.end, i + reach_ + 1); };
    attend_keys(tile, tile.query, keys, seen(tile, first, end), to);
  }

  bool reaches(int size, int) const noexcept override { return size == 0; }
  void live(int, const VisitBytes&) override {}
  std::uint64_t most_live() const noexcept override { return 0; }
  void held(int, int, const VisitBytes&) override {}

 private:
  KvStore all() const noexcept { return {kv_, keys_, values_}; }

  KvShape kv_;
  int reach_;  // tokens on each side
  int chunks_;
  TokenStore keys_, values_;
};

}  // namespace

std::unique_ptr<AttentionState> make_whole(const MemorySite& site) { return std::make_unique<Whole>(site); }

}  // namespace longhand
