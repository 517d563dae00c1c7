// All keys, each at its true distance.

#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"

namespace longhand {
namespace {

class Full final : public AttentionState {
 public:
  explicit Full(const MemorySite& s)
      : kv_(s.kv),
        chunks_(chunks_for(s.context, s.context)),
        keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

  std::uint64_t bytes() const noexcept override { return keys_.bytes() + values_.bytes(); }
  void reserve() override {
    keys_.reserve();
    values_.reserve();
  }

  void will_write(int from, int to) override {
    keys_.will_write(from, to);
    values_.will_write(from, to);
  }
  bool share(const LayerState& other) override {
    const auto& from = dynamic_cast<const Full&>(other);
    keys_.share(from.keys_);
    values_.share(from.values_);
    return true;
  }

  void store(const NewToken& t) noexcept override {
    t.rotate(t.key, t.turn);
    all().put(t);
  }

  int parts(Queries q) const noexcept override { return (q.end - 1) / kAttendKeys + 1; }
  int most_parts() const noexcept override { return chunks_; }
  void attend(const Tile& tile, Queries, int part, const Partials& to) const noexcept override {
    const Keys keys = all().at(tile.kv_head, part * kAttendKeys);
    attend_keys(tile, tile.query, keys, seen(tile, from_start, to_itself), to);
  }

  // A quantised key would lose at every turn.
  bool can_cut() const noexcept override {
    return kv_.keys != CacheFormat::q8_0 && kv_.values != CacheFormat::q8_0;
  }
  void cut(const Cut& cut, const Kernels& kernels, const RotateArgs& turn, float* value) noexcept override {
    for (int head = 0; head < keys_.heads(); ++head) {
      for (int position = cut.to; position < cut.size; ++position) {
        const KvView from = view_of(kv_, keys_, values_, head, position);
        read_key(kv_, from, position % kAttendKeys, turn.x);
        read_value(kv_, from, position % kAttendKeys, value);
        if (turn.rot > 0) kernels.rotate(turn);
        const int to = position - cut.moved();
        const KvView place = view_of(kv_, keys_, values_, head, to);
        kernels.store_key[int(kv_.keys)](place, to % kAttendKeys, turn.x);
        kernels.store_value[int(kv_.values)](place, to % kAttendKeys, value);
      }
    }
  }

  bool reaches(int, int) const noexcept override { return true; }
  void live(int, const VisitBytes&) override {}
  std::uint64_t most_live() const noexcept override { return 0; }
  void held(int size, int, const VisitBytes& visit) override {
    for (TokenStore* s : {&keys_, &values_}) s->live(0, size, visit);
  }

 private:
  KvStore all() const noexcept { return {kv_, keys_, values_}; }

  KvShape kv_;
  int chunks_;
  TokenStore keys_, values_;
};

}  // namespace

std::unique_ptr<AttentionState> make_full(const MemorySite& site) { return std::make_unique<Full>(site); }

}  // namespace longhand
