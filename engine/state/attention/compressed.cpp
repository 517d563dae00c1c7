// The last keys as they are, and the others in blocks of which each has one (see CompressedPlan).

#include "engine/state/attention/compressed_keys.h"

namespace longhand {
namespace {

class Compressed final : public AttentionState {
 public:
  explicit Compressed(const MemorySite& s) : old_(s) {
    const MemoryPlan plan = window_plan(s.core.near);
    near_ = make_window({plan, s.attention, s.core, s.kv, s.layer, s.context, s.batch});
  }

  std::uint64_t bytes() const noexcept override { return near_->bytes() + old_.bytes(); }
  std::size_t scratch_bytes() const noexcept override { return old_.scratch_bytes(); }
  void reserve() override {
    near_->reserve();
    old_.reserve();
  }

  void store(const NewToken& t) noexcept override { near_->store(t); }
  CompressedKeys* compressed() noexcept override { return &old_; }
  float* index_block(int block) const noexcept override { return old_.index_block(block); }

  int parts(Queries q) const noexcept override { return near_->parts(q) + old_.parts(q.end); }
  int most_parts() const noexcept override { return near_->most_parts() + old_.most_parts(); }
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override {
    const int exact = near_->parts(q);
    if (part < exact) {
      near_->attend(tile, q, part, to);
    } else {
      old_.attend(tile, part - exact, to);
    }
  }

  bool reaches(int size, int written) const noexcept override {
    return near_->reaches(size, written) && old_.reaches(size, written);
  }
  void live(int size, const VisitBytes& visit) override {
    near_->live(size, visit);
    old_.live(size, visit);
  }
  std::uint64_t most_live() const noexcept override { return near_->most_live() + old_.most_live(); }
  void held(int size, int written, const VisitBytes& visit) override {
    near_->held(size, written, visit);
    old_.held(size, written, visit);
  }

 private:
  std::unique_ptr<AttentionState> near_;
  CompressedKeys old_;
};

}  // namespace

std::unique_ptr<AttentionState> make_compressed(const MemorySite& site) {
  return std::make_unique<Compressed>(site);
}

}  // namespace longhand
