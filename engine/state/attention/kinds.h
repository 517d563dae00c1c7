// The memories there are: a table from a name to what makes one, and the options each takes.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "engine/state/attention/attention_state.h"
#include "engine/state/far_positions.h"
#include "engine/types/session_options.h"
#include "loaders/model/config.h"
#include "loaders/model/weights.h"

namespace longhand {

struct MemoryKind;

/// A session's memory with every number settled.
struct MemoryPlan {
  const MemoryKind* kind;
  int window = 0, sinks = 0, far = 0;
  double leak = 1;
  int codes = 0, features = 0;
  bool weighted = false, second_order = false;  // of learned codes
  int exact = 0;
  bool indexer = false;  // indexers choose keys
  int all_near = 0;      // auto: tokens of the trained context, up to which nothing is far
  int summary_from = 0;  // auto: text length from which old tokens are remembered in summary; 0: never
  int checkpoints = 0;

  /// Whether it is to learn codes, now or later.
  bool summarises() const noexcept;
};

/// What a memory may want to know of its layer.
struct MemorySite {
  const MemoryPlan& plan;
  const AttentionConfig& attention;  // what the file says of all layers
  const AttentionCore& core;
  KvShape kv;
  int layer;           // a number of its own
  int context, batch;  // tokens at most, and stored at once at most
};

struct MemoryKind {
  std::string_view name;
  int window_share = 0;  // default window: trained context / this; 0: it has no window
  bool sinks = false, far = false, leak = false, codes = false, features = false;  // options it takes
  bool needs_rope = false;
  FarPositions (*far_positions)(const MemoryPlan& plan) noexcept = nullptr;  // null: no far queries
  std::unique_ptr<AttentionState> (*make)(const MemorySite& site) = nullptr;
};

/// Window of the summary that `auto` makes, whose exact keys reach back two of them, where it would else see
/// all keys with those `window` tokens back from afar.
constexpr int summary_window(int window) noexcept { return std::max(1, window / 2); }

/// Whether nothing in file or options says how a model is to cope with texts longer than it was trained on.
bool adapts(const ModelConfig& config, const SessionOptions& options);

/// Null if no memory has this name.
const MemoryKind* find_memory(std::string_view name) noexcept;
/// The options, else what the file says, else the defaults. Throws Error(range): an unknown memory, an option
/// it does not take, values out of range; and what cannot compose.
MemoryPlan plan_memory(const ModelConfig& config, const SessionOptions& options);
/// `options` with the plan's numbers in place of what was left open.
AttentionOptions settled(AttentionOptions options, const MemoryPlan& plan);
/// Throws Error(range) where this model cannot have this memory, or brings itself what an option asks for.
void check_memory(const MemoryPlan& plan, const ModelConfig& config, const std::vector<LayerPlan>& layers,
                  const AttentionOptions& options);
FarPositions far_positions(const MemoryPlan& plan) noexcept;
/// The last `window` keys as they are, whatever a session remembers of others.
MemoryPlan window_plan(int window) noexcept;

// The makers, one file each.
std::unique_ptr<AttentionState> make_full(const MemorySite& site);
std::unique_ptr<AttentionState> make_whole(const MemorySite& site);  // where there is no causal order
std::unique_ptr<AttentionState> make_window(const MemorySite& site);
std::unique_ptr<AttentionState> make_compressed(const MemorySite& site);  // where old tokens share keys
std::unique_ptr<AttentionState> make_rerope(const MemorySite& site);
std::unique_ptr<AttentionState> make_auto(const MemorySite& site);
std::unique_ptr<AttentionState> make_leaky_rerope(const MemorySite& site);
std::unique_ptr<AttentionState> make_vq(const MemorySite& site);
std::unique_ptr<AttentionState> make_performer(const MemorySite& site);

}  // namespace longhand
