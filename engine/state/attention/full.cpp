// All keys, each at its true distance. Where an indexer chooses among them, its keys too.

#include "engine/state/attention/chosen_keys.h"
#include "engine/state/attention/index_keys.h"
#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"
#include "engine/state/cache_rows.h"

namespace longhand {
namespace {

class Full final : public AttentionState {
 public:
  explicit Full(const MemorySite& s)
      : kv_(s.kv),
        chunks_(chunks_for(s.context, s.context)),
        keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()),
        index_(s, chunks_) {}

  std::uint64_t bytes() const noexcept override { return keys_.bytes() + values_.bytes() + index_.bytes(); }
  std::size_t scratch_bytes() const noexcept override { return index_.scratch_bytes(); }
  void reserve() override {
    for (TokenStore* s : stores()) s->reserve();
  }

  void will_write(int from, int to) override {
    for (TokenStore* s : stores()) s->will_write(from, to);
  }
  bool share(const LayerState& other) override {
    const auto& from = dynamic_cast<const Full&>(other);
    keys_.share(from.keys_);
    values_.share(from.values_);
    index_.share(from.index_);
    return true;
  }

  void store(const NewToken& t) noexcept override {
    t.rotate(t.key, t.turn);
    all().put(t);
  }

  int parts(Queries q) const noexcept override { return (q.end - 1) / kAttendKeys + 1; }
  int most_parts() const noexcept override { return chunks_; }
  void attend(const Tile& tile, Queries, int part, const Partials& to) const noexcept override {
    Keys keys = all().at(tile.kv_head, part * kAttendKeys);
    if (!show_chosen(tile, keys, to)) return;
    attend_keys(tile, tile.query, keys, seen(tile, from_start, to_itself), to);
  }

  float* index_block(int position) const noexcept override { return index_.block(position); }

  // A quantised key would lose at every rotation; keys of an indexer stay where they are.
  bool can_cut() const noexcept override {
    return index_.empty() && !is_grouped(kv_.keys) && !is_grouped(kv_.values);
  }
  void cut(const Cut& cut, const Kernels& kernels, const RotateArgs& back, float* value) noexcept override {
    for (int head = 0; head < keys_.heads(); ++head) {
      for (int position = cut.to; position < cut.size; ++position) {
        const KvView from = view_of(kv_, keys_, values_, head, position);
        read_key(kv_, from, position % kAttendKeys, back.x);
        if (kv_.apart()) read_value(kv_, from, position % kAttendKeys, value);
        if (back.rot > 0) kernels.rotate(back);
        const int to = position - cut.moved();
        const KvView place = view_of(kv_, keys_, values_, head, to);
        kernels.store_key[int(kv_.keys)](place, to % kAttendKeys, back.x);
        if (kv_.apart()) kernels.store_value[int(kv_.values)](place, to % kAttendKeys, value);
      }
    }
  }

  bool reaches(int, int) const noexcept override { return true; }
  void live(int, const VisitBytes&) override {}
  std::uint64_t most_live() const noexcept override { return 0; }
  void held(int size, int, const VisitBytes& visit) override {
    for (TokenStore* s : stores()) s->live(0, size, visit);
  }

 private:
  KvStore all() const noexcept { return {kv_, keys_, values_}; }
  std::array<TokenStore*, 3> stores() noexcept { return {&keys_, &values_, &index_.store()}; }

  KvShape kv_;
  int chunks_;
  TokenStore keys_, values_;
  IndexKeys index_;
};

}  // namespace

std::unique_ptr<AttentionState> make_full(const MemorySite& site) { return std::make_unique<Full>(site); }

}  // namespace longhand
