// The last keys, and the first ones, each at its true distance. Layers that see only a window by their
// architecture have this memory too, without first ones.

#include <algorithm>

#include "engine/memory/kinds.h"

namespace longhand {
namespace {

class Window final : public Memory {
 public:
  explicit Window(const MemorySite& s)
      : kv_(s.kv),
        window_(s.plan.window),
        sinks_(s.plan.sinks),
        chunks_(chunks_for(std::int64_t{window_} + s.batch, s.context)),
        keys_(chunks_, kAttendKeys, s.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.kv_heads, kKeyBlock * kv_.value_row_bytes()),
        sink_keys_(sinks_ > 0, kAttendKeys, s.kv_heads, kv_.key_block_bytes()),
        sink_values_(sinks_ > 0, kAttendKeys, s.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

  std::uint64_t bytes() const noexcept override {
    return keys_.bytes() + values_.bytes() + sink_keys_.bytes() + sink_values_.bytes();
  }
  void reserve() override {
    for (TokenStore* s : {&keys_, &values_, &sink_keys_, &sink_values_}) s->reserve();
  }

  void store(const NewToken& t) noexcept override {
    t.rotate(t.key, t.turn);
    put(t, view_of(kv_, keys_, values_, t.kv_head, t.position));
    if (t.position < sinks_) put(t, view_of(kv_, sink_keys_, sink_values_, t.kv_head, 0));
  }

  int parts(Queries q) const noexcept override {
    return (sinks_ > 0) + (q.end - 1) / kAttendKeys - first_chunk(q) + 1;
  }
  int most_parts() const noexcept override { return 1 + chunks_; }
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override {
    if (sinks_ > 0 && part-- == 0) {
      const Keys keys{view_of(kv_, sink_keys_, sink_values_, tile.kv_head, 0), kv_.keys, kv_.values};
      const auto until = [this](int i) { return std::min(sinks_, from(i)); };
      attend_keys(tile, tile.query, keys,
                  seen(
                      tile, [](int) { return 0; }, until),
                  to);
      return;
    }
    const int start = (first_chunk(q) + part) * kAttendKeys;
    const Keys keys{view_of(kv_, keys_, values_, tile.kv_head, start), kv_.keys, kv_.values, start};
    attend_keys(tile, tile.query, keys,
                seen(
                    tile, [this](int i) { return from(i); }, [](int i) { return i + 1; }),
                to);
  }

  bool reaches(int size, int written) const noexcept override { return from(size) >= keys_.oldest(written); }
  void live(int size, const VisitBytes& visit) override {
    for (TokenStore* s : {&keys_, &values_}) s->live(from(size), size, visit);
  }
  std::uint64_t most_live() const noexcept override {
    return keys_.most_live(window_) + values_.most_live(window_);
  }

 private:
  int from(int i) const noexcept { return std::max(0, i - window_ + 1); }
  int first_chunk(Queries q) const noexcept { return from(q.begin) / kAttendKeys; }
  void put(const NewToken& t, const KvView& view) const noexcept {
    t.kernels.store_key[int(kv_.keys)](view, t.position % kAttendKeys, t.key);
    t.kernels.store_value[int(kv_.values)](view, t.position % kAttendKeys, t.value);
  }

  KvShape kv_;
  int window_, sinks_, chunks_;
  TokenStore keys_, values_, sink_keys_, sink_values_;
};

}  // namespace

std::unique_ptr<Memory> make_window(const MemorySite& site) { return std::make_unique<Window>(site); }

}  // namespace longhand
