// The last keys, and the first ones, each at its true distance. Layers that see only a window by their
// architecture have this memory too, without first ones.

#include <algorithm>

#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"

namespace longhand {
namespace {

class Window final : public AttentionState {
 public:
  explicit Window(const MemorySite& s)
      : kv_(s.kv),
        window_(s.plan.window),
        sinks_(s.plan.sinks),
        chunked_(s.core.chunked && s.core.window > 0),
        chunks_(chunks_for(std::int64_t{window_} + s.batch, s.context)),
        keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()),
        sink_keys_(sinks_ > 0, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
        sink_values_(sinks_ > 0, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

  std::uint64_t bytes() const noexcept override {
    return keys_.bytes() + values_.bytes() + sink_keys_.bytes() + sink_values_.bytes();
  }
  void reserve() override {
    for (TokenStore* s : {&keys_, &values_, &sink_keys_, &sink_values_}) s->reserve();
  }

  void store(const NewToken& t) noexcept override {
    t.rotate(t.key, t.turn);
    last().put(t);
    if (t.position < sinks_) sinks().put(t);
  }

  int parts(Queries q) const noexcept override {
    return (sinks_ > 0) + (q.end - 1) / kAttendKeys - first_chunk(q) + 1;
  }
  int most_parts() const noexcept override { return 1 + chunks_; }
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override {
    if (sinks_ > 0 && part-- == 0) {
      const auto until = [this](int i) { return std::min(sinks_, from(i)); };
      attend_keys(tile, tile.query, sinks().at(tile.kv_head, 0), seen(tile, from_start, until), to);
      return;
    }
    const auto since = [this](int i) { return from(i); };
    const Keys keys = last().at(tile.kv_head, (first_chunk(q) + part) * kAttendKeys);
    attend_keys(tile, tile.query, keys, seen(tile, since, to_itself), to);
  }

  bool reaches(int size, int written) const noexcept override { return from(size) >= keys_.oldest(written); }
  void live(int size, const VisitBytes& visit) override {
    for (TokenStore* s : {&keys_, &values_}) s->live(from(size), size, visit);
  }
  std::uint64_t most_live() const noexcept override {
    return keys_.most_live(window_) + values_.most_live(window_);
  }
  void held(int size, int written, const VisitBytes& visit) override {
    for (TokenStore* s : {&sink_keys_, &sink_values_}) s->live(0, std::min(size, sinks_), visit);
    for (TokenStore* s : {&keys_, &values_}) s->live(keys_.oldest(written), size, visit);
  }

 private:
  int from(int i) const noexcept { return chunked_ ? i / window_ * window_ : std::max(0, i - window_ + 1); }
  int first_chunk(Queries q) const noexcept { return from(q.begin) / kAttendKeys; }
  KvStore last() const noexcept { return {kv_, keys_, values_}; }
  KvStore sinks() const noexcept { return {kv_, sink_keys_, sink_values_}; }

  KvShape kv_;
  int window_, sinks_;
  bool chunked_;
  int chunks_;
  TokenStore keys_, values_, sink_keys_, sink_values_;
};

}  // namespace

std::unique_ptr<AttentionState> make_window(const MemorySite& site) { return std::make_unique<Window>(site); }

}  // namespace longhand
