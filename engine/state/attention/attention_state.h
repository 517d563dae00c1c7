// What an attention layer remembers of the text, and how queries look at it. One file of this folder per
// kind.
//
// Attention over a memory falls into parts (chunks of exact keys, sinks, codes, ...). Each part gives a
// partial result (m, l, acc), and the driver joins them in the order of the parts: the same additions whoever
// computes what. Which keys a query sees in which part depends on positions alone.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "engine/state/kv_cache.h"
#include "engine/state/layer_state.h"
#include "engine/state/scratch.h"
#include "ops/kernels.h"
#include "ops/parallel.h"

namespace longhand {

/// (head_dim) of each row of a tile.
using QueryRows = std::array<const float*, kAttendRows>;

/// Up to kAttendRows queries that look at one kv head; a row is one head of one token. Positions ascend.
struct Tile {
  const Kernels& kernels;
  const WorkerScratch& scratch;
  float softcap;
  int kv_head = 0, rows = 0;
  QueryRows query{};      // as turned by the position
  QueryRows far_query{};  // as far keys are looked at, or null
  std::array<int, kAttendRows> position{};
  std::array<float, kAttendRows> slope{};  // of ALiBi, where the layer has it
  bool slopes = false;
  // What an indexer chose: blocks of so many keys, in ascending order, seen by all rows, which are of one
  // token. Blocks of 0 keys: nothing was chosen, all keys are seen.
  int block = 0;
  std::span<const std::int32_t> chosen{};

  int first() const noexcept { return position[0]; }
  int last() const noexcept { return position[std::size_t(rows - 1)]; }
};

/// One partial result per row: maximum m, sum l of exp(s - m), and acc (value_dim).
struct Partials {
  float *m, *l, *acc;
};

/// Key and value of one head of one token, as they come.
struct NewToken {
  const Kernels& kernels;
  const WorkerScratch& scratch;
  int kv_head, position;
  float* key;                 // (head_dim) normalised, not turned; may be written over
  const float* value;         // (value_dim); not looked at where it is part of the key
  RotateArgs turn, far_turn;  // x is left open; rot is 0 in layers that turn nothing

  void rotate(float* key_to_turn, RotateArgs by) const noexcept {
    by.x = key_to_turn;
    if (by.rot > 0) kernels.rotate(by);
  }
};

/// Tokens [from, to) leave a text of `size` tokens, and those behind take their places.
struct Cut {
  int from, to, size;
  int moved() const noexcept { return to - from; }
};

/// Positions of queries that are answered together.
struct Queries {
  int begin, end;
};

class CompressedKeys;

class AttentionState : public LayerState {
 public:
  /// Remembers a token. Several workers may call this at once, for different heads or positions.
  virtual void store(const NewToken& token) noexcept = 0;

  /// Where it keeps the keys of an indexer: those of the block of kKeyBlock tokens with `position`, (width,
  /// kKeyBlock); null where it keeps none. Where tokens share keys, `position` is the number of one.
  virtual float* index_block(int position) const noexcept {
    (void)position;
    return nullptr;
  }

  /// What it remembers of old tokens where they share keys; null where they do not.
  virtual CompressedKeys* compressed() noexcept { return nullptr; }

  /// Whether tokens can leave the middle of what it remembers.
  virtual bool can_cut() const noexcept { return false; }
  /// Makes them leave. `back` rotates a key, its x, which holds one, back by cut.moved() positions, without
  /// magnitude; `value` has room for one. Call will_write() for [cut.from, cut.size - cut.moved()) before.
  virtual void cut(const Cut& cut, const Kernels& kernels, const RotateArgs& back, float* value) noexcept {
    (void)cut, (void)kernels, (void)back, (void)value;
  }

  /// Queries [begin, result) find the same memory; result is at most `end`.
  virtual int same_until(int begin, int end) const noexcept {
    (void)begin;
    return end;
  }
  /// Whether the memory must change before it is asked by queries from `position` on.
  virtual bool changes_at(int position) const noexcept {
    (void)position;
    return false;
  }
  /// Makes that change: every worker of the team does its share.
  virtual void change(int position, const Worker& worker, const Kernels& kernels,
                      const WorkerScratch& scratch) noexcept {
    (void)position, (void)worker, (void)kernels, (void)scratch;
  }

  /// Whether it wants to see the far queries of tokens at `position`, and one kv head's of one token (n,
  /// head_dim). Tokens come in the order of the text, some again after going back.
  virtual bool observes(int position) const noexcept {
    (void)position;
    return false;
  }
  virtual void observe(int kv_head, int position, const float* far_queries, int n) noexcept {
    (void)kv_head, (void)position, (void)far_queries, (void)n;
  }

  /// Where it may become a summary of itself, it does so soon after `position`, which queries have not
  /// reached.
  virtual void condense(int position) noexcept { (void)position; }
  /// Queries from there on ask that summary; 0: it makes none.
  virtual int summary_from() const noexcept { return 0; }

  /// Parts of attention for some queries, and at most ever.
  virtual int parts(Queries queries) const noexcept = 0;
  virtual int most_parts() const noexcept = 0;
  /// Part number `part` of those of `queries`, of which the tile has some.
  virtual void attend(const Tile& tile, Queries queries, int part, const Partials& to) const noexcept = 0;
};

/// Keys that one part of attention looks at: those of a view whose first key is number `start`.
struct Keys {
  KvView view;
  CacheFormat key_format, value_format;
  int start = 0;
  const float* bias = nullptr;  // per key of the view, or null
};

/// Row r of a tile sees keys [from[r], to[r]).
struct Seen {
  std::array<std::int32_t, kAttendRows> from{}, to{};
};

/// Each row's keys, as a function of its position.
template <class From, class To>
Seen seen(const Tile& tile, const From& from, const To& to) {
  Seen s;
  for (std::size_t r = 0; r < std::size_t(tile.rows); ++r) {
    s.from[r] = from(tile.position[r]);
    s.to[r] = to(tile.position[r]);
  }
  return s;
}

/// What many queries see: keys from the first on, or up to their own.
inline int from_start(int) noexcept { return 0; }
inline int to_itself(int position) noexcept { return position + 1; }

/// Attention of `queries`, one per row of the tile, over at most kAttendKeys keys of a view.
void attend_keys(const Tile& tile, const QueryRows& queries, const Keys& keys, const Seen& seen,
                 const Partials& to) noexcept;

}  // namespace longhand
