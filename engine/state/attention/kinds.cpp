#include "engine/state/attention/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "engine/state/attention/left_open.h"
#include "engine/types/options.h"
#include "ops/error.h"

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
    {.name = "auto", .window_share = 4, .needs_rope = true, .far_positions = at_window, .make = make_auto},
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

consteval bool same_names() {
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    if (kKinds[i].name != kMemoryNames[i]) return false;
  }
  return std::size(kKinds) == kMemoryNames.size();
}
static_assert(same_names());
// Attention works on chunks of so many tokens.
static_assert(find_option(kAttentionOptions, &AttentionOptions::sinks).range.most == kAttendKeys);
static_assert(find_option(kAttentionOptions, &AttentionOptions::exact).range.most == kAttendKeys);

// The option where it is given, else the file's number, else the default; only kinds that take it may be
// given one.
class OptionResolver {
 public:
  // `later`: a summary may come, and its options wait for it.
  OptionResolver(const MemoryKind& kind, const AttentionOptions& options, bool later)
      : kind_(kind), options_(options), later_(later) {}

  template <class Number>
  Number settle(Number AttentionOptions::*member, bool takes, Number from_file, Number otherwise) const {
    const auto& row = find_option(kAttentionOptions, member);
    const Number given = options_.*member;
    const bool is_given = !(given < 0);  // NaN counts as given, and is refused
    if (!takes) {
      if (is_given) refuse_unused(row.name);
      return 0;
    }
    const Number value = is_given ? given : from_file >= Number(row.range.least) ? from_file : otherwise;
    check_option(row, value);
    return value;
  }
  bool settle(bool AttentionOptions::*member, bool takes) const {
    if (options_.*member && !takes) refuse_unused(find_option(kAttentionOptions, member).name);
    return options_.*member;
  }
  // Of options that a summary takes, too: their value, or 0 while there is none.
  template <class Number>
  Number settle_summary(Number AttentionOptions::*member, bool takes, Number from_file,
                        Number otherwise) const {
    const Number value = settle(member, takes || later_, from_file, otherwise);
    return takes ? value : Number(0);
  }
  bool settle_summary(bool AttentionOptions::*member, bool takes) const {
    return settle(member, takes || later_) && takes;
  }

 private:
  [[noreturn]] void refuse_unused(std::string_view name) const {
    throw Error(Errc::range, fmt::format("{} means nothing with attention.memory {}", name, kind_.name));
  }

  const MemoryKind& kind_;
  const AttentionOptions& options_;
  bool later_;
};

// So slow that the last token of the context stands at a distance the model was trained for.
float default_leak(int window, int trained, int context) {
  constexpr float kEnough = 8;
  if (context <= trained || trained <= window) return kEnough;
  return std::max(kEnough, float(context - window) / float(trained - window));
}

constexpr std::string_view kFull = "full", kAuto = "auto";

const MemoryKind& kind_of(const ModelConfig& c, const SessionOptions& options) {
  const std::string_view file = c.attention.memory, given = options.attention.memory;
  const bool left_open = given.empty() || given == kAuto;
  std::string_view name = left_open && !file.empty() ? file : given;
  if (name.empty()) name = kFull;
  if (name == kAuto) {
    const int context = options.context > 0 ? options.context : c.trained_context;
    const bool grows = context > c.rope.original_context || options.attention.summary_from > 0;
    name = grows && adapts(c, options) ? kAuto : kFull;
  }
  const MemoryKind* kind = find_memory(name);
  if (kind != nullptr) return *kind;
  throw Error(Errc::range,
              fmt::format("{} is '{}', must be one of {}",
                          left_open ? "longhand.attention.memory" : "attention.memory", name, names()));
}

}  // namespace

bool MemoryPlan::summarises() const noexcept { return kind->codes || summary_from > 0; }

// Neither rescaled positions nor a rule of sharpness, layers of another kind or with a window: these keep
// what they were trained with.
bool adapts(const ModelConfig& c, const SessionOptions& o) {
  const RopeOptions& rope = o.rope;
  const bool by_file =
      c.rope.rule != RopeScalingRule::none && (c.rope.rule != RopeScalingRule::linear || c.rope.factor != 1);
  const bool rescaled = rope.scaling != RopeScaling::from_file || rope.factor >= 0 || rope.auto_factor ||
                        rope.base >= 0 || by_file;
  const auto plain = [](const LayerShape& layer) {
    return layer.attends() && layer.mixer == Mixer::attention && layer.rope && layer.window == 0 &&
           layer.ratio == 0;
  };
  return !rescaled && c.causal && c.alibi == 0 && c.indexer.top == 0 && c.temperature_scale == 0 &&
         c.attention.scale_rule == ScaleRule::constant && std::ranges::all_of(c.layers, plain);
}

bool is_left_open(const ModelConfig& c, const SessionOptions& o) {
  const std::string &file = c.attention.memory, &given = o.attention.memory;
  const bool open = file == kAuto ? given.empty() || given == kAuto : file.empty() && given == kAuto;
  return open && adapts(c, o) && o.attention.summary_from < 0;
}

const MemoryKind* find_memory(std::string_view name) noexcept {
  const auto* found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const MemoryKind& k) { return k.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

MemoryPlan plan_memory(const ModelConfig& c, const SessionOptions& options) {
  const AttentionConfig& file = c.attention;
  const AttentionOptions& o = options.attention;
  const MemoryKind* kind = &kind_of(c, options);
  using O = AttentionOptions;
  const bool limited = options.memory_budget > 0 || options.min_speed > 0;
  const OptionResolver s(*kind, o, limited && is_left_open(c, options));
  const int share = kind->window_share, trained = c.rope.original_context;
  MemoryPlan p{kind};
  p.window = s.settle_summary(&O::window, share > 0, file.window, std::max(1, trained / std::max(share, 1)));
  p.summary_from = s.settle(&O::summary_from, kind->name == kAuto, 0, 0);
  const bool codes = p.summarises();
  p.sinks = s.settle_summary(&O::sinks, kind->sinks || codes, file.sinks, 4);
  p.far =
      s.settle(&O::far, kind->far, file.far, std::min(kMaxContext, 2 * std::min(p.window, kMaxContext / 2)));
  p.leak =
      double(s.settle(&O::leak, kind->leak, file.leak, default_leak(p.window, trained, options.context)));
  p.codes = s.settle_summary(&O::codes, codes, 0, 256);
  p.features = s.settle(&O::features, kind->features, 0, 256);
  check_option(find_option(kAttentionOptions, &O::checkpoints), o.checkpoints);
  p.checkpoints = o.checkpoints;
  p.indexer = o.indexer;
  if (kind->name == kAuto) p.all_near = trained;
  p.exact = s.settle_summary(&O::exact, codes, 0, 0);
  p.weighted = s.settle_summary(&O::weighted, codes);
  p.second_order = s.settle_summary(&O::second_order, codes);
  if (p.exact > 0 && p.codes > kAttendKeys)
    throw Error(Errc::range, fmt::format("attention.codes is {}, must be at most {} with attention.exact",
                                         p.codes, kAttendKeys));
  return p;
}

AttentionOptions settled(AttentionOptions o, const MemoryPlan& p) {
  o.memory = p.kind->name;
  o.window = p.window;
  o.sinks = p.sinks;
  o.far = p.far;
  o.leak = float(p.leak);
  o.codes = p.codes;
  o.features = p.features;
  o.weighted = p.weighted;
  o.second_order = p.second_order;
  o.exact = p.exact;
  o.checkpoints = p.checkpoints;
  o.summary_from = p.summary_from;
  return o;
}

std::string_view memory_objection(const MemoryPlan& p, const ModelConfig& c,
                                  const std::vector<LayerPlan>& layers, const AttentionOptions& o) {
  if (p.kind->make == make_full) return "";
  if (!c.causal) return "this model sees the whole text at once, and can forget none of it";
  bool global = false, turned = false, sloped = false, own_codes = false, own_features = false,
       shared = false, indexed = false, compressed = false;
  for (const LayerPlan& layer : layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      if (core.window > 0) return;
      global = true;
      compressed = compressed || core.ratio > 0;
      shared = shared || !core.stores;
      sloped = sloped || !core.slopes.empty();
      indexed = indexed || !core.indexer.empty();
      turned = turned || core.rope != Rope::none;
      own_codes = own_codes || core.key_codes.vectors != nullptr;
      own_features = own_features || core.key_codes.feature != nullptr;
    });
  }
  if (compressed) return "this model compresses old keys itself, as it was trained";
  if (indexed && p.indexer)
    return "this model chooses itself what a query sees; with attention.indexer off it sees everything";
  if (!global) return "no layer of this model attends to the whole text";
  if (shared && (p.summarises() || p.kind->features))
    return "layers of this model share keys and values, which leaves no moment to take old ones into a "
           "summary";
  if (p.kind->needs_rope && !turned) return "this model has no rotary positions to rescale";
  if (sloped && p.kind->far_positions != nullptr)
    return "this model scores keys by their distance (ALiBi), which far ones have none of";
  if (p.kind->features && c.attention_softcap != 0)
    return "random features cannot follow this model's soft cap of scores; vq can";
  if (p.summarises() && own_codes && (o.codes >= 0 || o.exact > 0 || o.weighted || o.second_order))
    return "attention.codes, attention.exact, attention.weighted and attention.second_order are for codes "
           "learned while running; this file has its own";
  if (p.summarises() && !own_codes && c.attention.quantize_window)
    return "the file asks for quantised keys in the window, but has no codes";
  if (p.kind->features && own_features && o.features >= 0)
    return "attention.features is for features drawn at random; this file has its own";
  return "";
}

void check_memory(const MemoryPlan& p, const ModelConfig& c, const std::vector<LayerPlan>& layers,
                  const AttentionOptions& o) {
  const std::string_view why = memory_objection(p, c, layers, o);
  if (!why.empty()) throw Error(Errc::range, fmt::format("attention.memory {}: {}", p.kind->name, why));
}

MemoryPlan window_plan(int window) noexcept {
  MemoryPlan plan{find_memory("window")};
  plan.window = window;
  return plan;
}

FarPositions far_positions(const MemoryPlan& plan) noexcept {
  return plan.kind->far_positions == nullptr ? FarPositions{} : plan.kind->far_positions(plan);
}

}  // namespace longhand
