// Linear time, constant memory: the text in blocks of the window's length. A query looks exactly at its own
// block and the one before; the first tokens stay for ever; all others have been taken into a summary, block
// by block, at absolute positions. What the summary is, a derived memory says.
#pragma once

#include <vector>

#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"

namespace longhand {

class Blocks : public AttentionState {
 public:
  std::uint64_t bytes() const noexcept override;
  void reserve() override;
  void store(const NewToken& token) noexcept override;
  int same_until(int begin, int end) const noexcept override;
  bool changes_at(int position) const noexcept override;
  void change(int position, const Worker& worker, const Kernels& kernels,
              const WorkerScratch& scratch) noexcept override;
  int parts(Queries queries) const noexcept override;
  int most_parts() const noexcept override;
  void attend(const Tile& tile, Queries queries, int part, const Partials& to) const noexcept override;
  bool reaches(int size, int written) const noexcept override;
  void live(int size, const VisitBytes& visit) override;
  std::uint64_t most_live() const noexcept override;
  void clear() noexcept override;
  void held(int size, int written, const VisitBytes& visit) override;
  bool sound(int size) const noexcept override;

 protected:
  /// Keys [from, to) of a head, all or but the first of which go into the summary.
  struct Leaving {
    const Kernels& kernels;
    const WorkerScratch& scratch;
    int head, from, to;
  };

  explicit Blocks(const MemorySite& site);

  virtual std::uint64_t summary_bytes() const noexcept = 0;
  virtual void reserve_summary() = 0;
  virtual void clear_summary() noexcept = 0;
  virtual void live_summary(const VisitBytes& visit) = 0;
  /// Of the first `size` tokens, what the summary keeps for ever beside that.
  virtual void held_summary(int size, const VisitBytes& visit) { (void)size, (void)visit; }
  /// Whether the summary can be one of the first `tokens` tokens of a head.
  virtual bool sound_summary(int head, int tokens) const noexcept {
    (void)head, (void)tokens;
    return true;
  }
  /// What a near key is seen as, before it is turned.
  virtual void refine_near(const NewToken& token) const noexcept { (void)token; }
  /// Takes tokens into the summary; called in the order of the text.
  virtual void take_in(const Leaving& leaving) noexcept = 0;
  virtual int summary_parts() const noexcept = 0;
  virtual void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept = 0;

  /// A token that is still there: its key, not turned, and its value, as floats.
  void key_of(int head, int position, float* key) const noexcept;
  void value_of(int head, int position, float* value) const noexcept;
  int sinks() const noexcept { return sinks_; }
  int window() const noexcept { return window_; }

 private:
  // Keys of the first tokens or of the last ones, both as they are and as turned by their position.
  struct Exact {
    TokenStore plain, turned, values;
    Exact(int chunks, int heads, const KvShape& kv)
        : plain(chunks, kAttendKeys, heads, kv.key_block_bytes()),
          turned(chunks, kAttendKeys, heads, kv.key_block_bytes()),
          values(chunks, kAttendKeys, heads, kKeyBlock * kv.value_row_bytes()) {}
    std::uint64_t bytes() const noexcept { return plain.bytes() + turned.bytes() + values.bytes(); }
  };

  KvStore plain(const Exact& e) const noexcept { return {kv_, e.plain, e.values}; }
  KvStore turned(const Exact& e) const noexcept { return {kv_, e.turned, e.values}; }
  int exact_from(int position) const noexcept;
  int old_parts(Queries queries) const noexcept;
  void attend_sinks(const Tile& tile, bool far, const Partials& to) const noexcept;

  KvShape kv_;
  int window_, sinks_, far_, chunks_;
  Exact last_, first_;
  std::vector<int> taken_;  // (kv_heads) tokens that have left
};

}  // namespace longhand
