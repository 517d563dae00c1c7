// All keys, each at its true distance.

#include "engine/memory/kinds.h"

namespace longhand {
namespace {

class Full final : public Memory {
 public:
  explicit Full(const MemorySite& s)
      : kv_(s.kv),
        chunks_(chunks_for(s.context, s.context)),
        keys_(chunks_, kAttendKeys, s.kv_heads, kv_.key_block_bytes()),
        values_(chunks_, kAttendKeys, s.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

  std::uint64_t bytes() const noexcept override { return keys_.bytes() + values_.bytes(); }
  void reserve() override {
    keys_.reserve();
    values_.reserve();
  }

  void store(const NewToken& t) noexcept override {
    const KvView view = view_of(kv_, keys_, values_, t.kv_head, t.position);
    t.rotate(t.key, t.turn);
    t.kernels.store_key[int(kv_.keys)](view, t.position % kAttendKeys, t.key);
    t.kernels.store_value[int(kv_.values)](view, t.position % kAttendKeys, t.value);
  }

  int parts(Queries q) const noexcept override { return (q.end - 1) / kAttendKeys + 1; }
  int most_parts() const noexcept override { return chunks_; }
  void attend(const Tile& tile, Queries, int part, const Partials& to) const noexcept override {
    const int start = part * kAttendKeys;
    const Keys keys{view_of(kv_, keys_, values_, tile.kv_head, start), kv_.keys, kv_.values, start};
    attend_keys(tile, tile.query, keys,
                seen(
                    tile, [](int) { return 0; }, [](int i) { return i + 1; }),
                to);
  }

  bool reaches(int, int) const noexcept override { return true; }
  void live(int, const VisitBytes&) override {}
  std::uint64_t most_live() const noexcept override { return 0; }

 private:
  KvShape kv_;
  int chunks_;
  TokenStore keys_, values_;
};

}  // namespace

std::unique_ptr<Memory> make_full(const MemorySite& site) { return std::make_unique<Full>(site); }

}  // namespace longhand
