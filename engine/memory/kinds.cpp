#include "engine/memory/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace longhand {
namespace {

FarPositions at_window(const MemoryPlan& p) noexcept { return {true, double(p.window), 0}; }
FarPositions at_far(const MemoryPlan& p) noexcept { return {true, double(p.far), 0}; }
// Query i stands at w + (i - w) / k, key j at j / k.
FarPositions leaking(const MemoryPlan& p) noexcept {
  return {true, p.window - p.window / p.leak, 1 / p.leak};
}

// clang-format off
constexpr MemoryKind kKinds[] = {
    {.name = "full", .make = make_full},
    {.name = "window", .window_share = 2, .sinks = true, .make = make_window},
    {.name = "rerope", .window_share = 4, .needs_rope = true, .far_positions = at_window, .make = make_rerope},
    {.name = "leaky-rerope", .window_share = 4, .leak = true, .needs_rope = true, .far_positions = leaking,
     .make = make_leaky_rerope},
    {.name = "vq", .window_share = 8, .sinks = true, .far = true, .codes = true, .far_positions = at_far,
     .make = make_vq},
    {.name = "performer", .window_share = 8, .sinks = true, .far = true, .features = true,
     .far_positions = at_far, .make = make_performer},
};
// clang-format on

std::string names() {
  std::string list;
  for (const MemoryKind& k : kKinds) list += fmt::format("{}{}", list.empty() ? "" : ", ", k.name);
  return list;
}

// The option where it is given, else the file's number, else the default; only kinds that take it may be
// given one.
class Settler {
 public:
  explicit Settler(const MemoryKind& kind) : kind_(kind) {}

  template <class Number>
  Number settle(const char* flag, bool takes, Number given, Number from_file, Number otherwise, Number least,
                Number most) const {
    const bool is_given = !(given < 0);  // NaN counts as given, and is refused
    if (!takes) {
      if (is_given)
        throw Error(Errc::range, fmt::format("{} means nothing with --attention {}", flag, kind_.name));
      return 0;
    }
    const Number value = is_given ? given : from_file >= least ? from_file : otherwise;
    if (!(value >= least && value <= most))
      throw Error(Errc::range, fmt::format("{} is {}, must be {}..{}", flag, value, least, most));
    return value;
  }

 private:
  const MemoryKind& kind_;
};

// So slow that the last token of the context stands at a distance the model was trained for.
float default_leak(int window, int trained, int context) {
  constexpr float kEnough = 8;
  if (context <= trained || trained <= window) return kEnough;
  return std::max(kEnough, float(context - window) / float(trained - window));
}

}  // namespace

const MemoryKind* find_memory(std::string_view name) noexcept {
  const auto* found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const MemoryKind& k) { return k.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

MemoryPlan plan_memory(const ModelConfig& c, const AttentionOptions& o, int context) {
  constexpr int kMost = 1 << 30, kMostSinks = kAttendKeys, kMostCodes = 1 << 16, kMostCheckpoints = 64;
  const AttentionConfig& file = c.attention;
  const std::string& name = !o.memory.empty() ? o.memory : file.memory.empty() ? "full" : file.memory;
  const MemoryKind* kind = find_memory(name);
  if (kind == nullptr) {
    throw Error(Errc::range,
                fmt::format("{} is '{}', must be one of {}",
                            o.memory.empty() ? "longhand.attention.memory" : "--attention", name, names()));
  }
  const Settler s(*kind);
  const int share = kind->window_share, trained = c.rope.original_context;
  MemoryPlan p{kind};
  p.window = s.settle("--attention-window", share > 0, o.window, file.window,
                      share > 0 ? std::max(1, trained / share) : 0, 1, kMost);
  p.sinks = s.settle("--attention-sinks", kind->sinks, o.sinks, file.sinks, 4, 0, kMostSinks);
  p.far = s.settle("--attention-far", kind->far, o.far, file.far,
                   std::min(kMost, 2 * std::min(p.window, kMost / 2)), 1, kMost);
  p.leak = double(s.settle("--rerope-leak", kind->leak, o.leak, file.leak,
                           default_leak(p.window, trained, context), 1.0f, 1e9f));
  p.codes = s.settle("--vq-codes", kind->codes, o.codes, 0, 256, 1, kMostCodes);
  p.features = s.settle("--performer-features", kind->features, o.features, 0, 256, 1, kMostCodes);
  if (o.checkpoints < 0 || o.checkpoints > kMostCheckpoints)
    throw Error(Errc::range,
                fmt::format("--attention-checkpoints is {}, must be 0..{}", o.checkpoints, kMostCheckpoints));
  p.checkpoints = o.checkpoints;
  p.exact = s.settle("--vq-exact", kind->codes, o.exact, 0, 0, 0, kAttendKeys);
  const auto only_codes = [&](const char* flag, bool given) {
    if (given && !kind->codes)
      throw Error(Errc::range, fmt::format("{} means nothing with --attention {}", flag, kind->name));
    return given;
  };
  p.weighted = only_codes("--vq-weighted", o.weighted);
  p.second_order = only_codes("--vq-second-order", o.second_order);
  if (p.exact > 0 && p.codes > kAttendKeys)
    throw Error(Errc::range,
                fmt::format("--vq-codes is {}, must be at most {} with --vq-exact", p.codes, kAttendKeys));
  return p;
}

void check_memory(const MemoryPlan& p, const ModelConfig& c, const std::vector<LayerPlan>& layers,
                  const AttentionOptions& o) {
  if (p.kind->make == make_full) return;
  const auto refuse = [&](std::string_view why) {
    throw Error(Errc::range, fmt::format("--attention {}: {}", p.kind->name, why));
  };
  bool global = false, turned = false, own_codes = false, own_features = false, shared = false;
  for (const LayerPlan& layer : layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      if (core.window > 0) return;
      global = true;
      shared = shared || !core.stores;
      turned = turned || core.rope != Rope::none;
      own_codes = own_codes || core.key_codes.vectors != nullptr;
      own_features = own_features || core.key_codes.feature != nullptr;
    });
  }
  if (!global) refuse("no layer of this model attends to the whole text");
  if (shared && (p.kind->codes || p.kind->features))
    refuse(
        "layers of this model share keys and values, which leaves no moment to take old ones into a summary");
  if (p.kind->needs_rope && !turned) refuse("this model has no rotary positions to rescale");
  if (p.kind->features && c.attention_softcap != 0)
    refuse("random features cannot follow this model's soft cap of scores; vq can");
  if (p.kind->codes && own_codes && (o.codes >= 0 || o.exact > 0 || o.weighted || o.second_order))
    refuse(
        "--vq-codes, --vq-exact, --vq-weighted and --vq-second-order are for codes learned while running; "
        "this file has its own");
  if (p.kind->codes && !own_codes && c.attention.quantize_window)
    refuse("the file asks for quantised keys in the window, but has no codes");
  if (p.kind->features && own_features && o.features >= 0)
    refuse("--performer-features is for features drawn at random; this file has its own");
}

FarPositions far_positions(const MemoryPlan& plan) noexcept {
  return plan.kind->far_positions == nullptr ? FarPositions{} : plan.kind->far_positions(plan);
}

}  // namespace longhand
