// What `auto` remembers where a text may outgrow memory or pace: every token as long as the text is short,
// and the summary of `vq` afterwards. Both are kept up to date from the first token on, so that nothing is
// read again, and nothing has to wait, when the one takes the place of the other.

#include <algorithm>

#include "engine/state/attention/two_sided.h"

namespace longhand {
namespace {

// Both see far keys at one distance, for which queries are turned once.
MemoryPlan summary_plan(const MemoryPlan& plan) noexcept {
  MemoryPlan summary = plan;
  summary.kind = find_memory("vq");
  summary.window = summary_window(plan.window);
  summary.far = plan.window;
  return summary;
}

// A batch is stored as a whole, though only its first queries may be of the short text.
int early_context(const MemorySite& s) noexcept {
  return int(std::min<std::int64_t>(s.context, std::int64_t{s.plan.summary_from} + s.batch));
}

std::unique_ptr<TwoSided> make_early(const MemorySite& s) {
  const MemorySite site{s.plan, s.attention, s.core, s.kv, s.layer, early_context(s), s.batch};
  return make_rerope_until(site, std::min(s.plan.all_near, site.context));
}

std::unique_ptr<AttentionState> make_late(const MemorySite& s) {
  const MemoryPlan plan = summary_plan(s.plan);
  return make_vq({plan, s.attention, s.core, s.kv, s.layer, s.context, s.batch});
}

class Condensing final : public AttentionState {
 public:
  explicit Condensing(const MemorySite& s)
      : key_dim_(s.kv.key_dim),
        planned_(s.plan.summary_from),
        room_(early_context(s)),
        block_(summary_window(s.plan.window)),
        marks_{s.plan.summary_from, false},
        early_(make_early(s)),
        late_(make_late(s)) {}

  std::uint64_t bytes() const noexcept override {
    return sizeof marks_ + late_->bytes() + (released_ ? 0 : early_->bytes());
  }
  std::size_t scratch_bytes() const noexcept override {
    return std::max(early_->scratch_bytes(), late_->scratch_bytes());
  }
  void reserve() override {
    early_->reserve();
    late_->reserve();
  }

  // Nobody asks for the tokens one by one any more, or somebody does again after going back to the start.
  void will_write(int from, int to) override {
    if (from >= marks_.summary_from) {
      release();
      marks_.gone = 1;
    } else if (released_) {
      early_->reserve();
      released_ = false;
    }
    late_->will_write(from, to);
  }

  void store(const NewToken& t) noexcept override {
    if (!has_early()) return late_->store(t);
    float* key = t.scratch.acc.as<float>() + key_dim_;  // behind what `early_` works with
    std::copy_n(t.key, key_dim_, key);
    late_->store(t);
    early_->store({t.kernels, t.scratch, t.kv_head, t.position, key, t.value, t.turn, t.far_turn});
  }

  int same_until(int begin, int end) const noexcept override {
    const int same = late_->same_until(begin, end);
    return is_early(begin) ? std::min(same, marks_.summary_from) : same;
  }
  bool changes_at(int position) const noexcept override { return late_->changes_at(position); }
  void change(int position, const Worker& worker, const Kernels& kernels,
              const WorkerScratch& scratch) noexcept override {
    late_->change(position, worker, kernels, scratch);
  }
  bool observes(int position) const noexcept override { return late_->observes(position); }
  void observe(int kv_head, int position, const float* far_queries, int n) noexcept override {
    late_->observe(kv_head, position, far_queries, n);
  }

  int parts(Queries q) const noexcept override { return asked(q.begin).parts(q); }
  int most_parts() const noexcept override { return std::max(early_->most_parts(), late_->most_parts()); }
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override {
    asked(q.begin).attend(tile, q, part, to);
  }

  bool reaches(int size, int written) const noexcept override {
    const bool all = !is_early(size) || (has_early() && early_->reaches(size, std::min(written, room_)));
    return all && late_->reaches(size, written);
  }
  bool restores(int size) const noexcept override { return !is_early(size) || has_early(); }
  void live(int size, const VisitBytes& visit) override {
    late_->live(size, visit);
    if (is_early(size)) early_->live(size, visit);
  }
  std::uint64_t most_live() const noexcept override { return early_->most_live() + late_->most_live(); }
  void clear() noexcept override {
    marks_.gone = 0;
    late_->clear();
  }

  void held(int size, int written, const VisitBytes& visit) override {
    if (released_) marks_.gone = is_early(size) ? 0 : 1;  // nothing is missing of no text
    visit(reinterpret_cast<std::byte*>(&marks_), sizeof marks_);
    if (marks_.gone == 0) early_->held(std::min(size, room_), std::min(written, room_), visit);
    late_->held(size, written, visit);
    // What was read into this state has no early tokens: their room must not pass for them.
    if (marks_.gone != 0 && !released_) release();
  }
  bool sound(int size) const noexcept override {
    const bool gone = marks_.gone != 0;
    return marks_.summary_from > 0 && marks_.summary_from <= planned_ && (!gone || !is_early(size)) &&
           late_->sound(size);
  }

  void condense(int position) noexcept override {
    const std::int64_t next = (std::int64_t{position} + block_ - 1) / block_ * block_;
    marks_.summary_from = int(std::min<std::int64_t>(marks_.summary_from, std::max(next, std::int64_t{1})));
  }
  int summary_from() const noexcept override { return marks_.summary_from; }

 private:
  void release() noexcept {
    early_->release();
    released_ = true;
  }
  bool has_early() const noexcept { return !released_ && marks_.gone == 0; }
  bool is_early(int position) const noexcept { return position < marks_.summary_from; }
  const AttentionState& asked(int position) const noexcept { return is_early(position) ? *early_ : *late_; }

  int key_dim_, planned_, room_, block_;
  struct Marks {
    int summary_from;  // queries from here on ask the summary
    int gone;          // 1: of the text there is, tokens are not kept one by one any more
  } marks_;
  bool released_ = false;
  std::unique_ptr<TwoSided> early_;
  std::unique_ptr<AttentionState> late_;
};

}  // namespace

std::unique_ptr<AttentionState> make_auto(const MemorySite& site) {
  if (site.plan.summary_from > 0 && site.plan.summary_from < site.context)
    return std::make_unique<Condensing>(site);
  return make_rerope_until(site, std::min(site.plan.all_near, site.context));
}

}  // namespace longhand
