#include "cli/session_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/models_path.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/thread_counts.h"
#include "engine/cache_type.h"
#include "ops/machine.h"

namespace longhand::cli {
namespace {

const std::map<std::string, RopeScaling> kRopeScalings = {{"none", RopeScaling::none},
                                                          {"linear", RopeScaling::linear},
                                                          {"ntk", RopeScaling::ntk},
                                                          {"ntk-fixed", RopeScaling::ntk_fixed},
                                                          {"ntk-mixed", RopeScaling::ntk_mixed},
                                                          {"yarn", RopeScaling::yarn}};

template <class Value>
std::vector<std::string> names(const std::map<std::string, Value>& table) {
  std::vector<std::string> out;
  for (const auto& [name, value] : table) out.push_back(name);
  return out;
}

/// A flag of llama.cpp that means nothing on this engine, accepted so that scripts keep working.
struct Ignored {
  const char* flags;
  bool takes_value;
};

constexpr Ignored kIgnored[] = {
    {"--gpu-layers,--n-gpu-layers", true},
    {"--split-mode", true},
    {"--main-gpu", true},
    {"--tensor-split", true},
    {"--override-tensor", true},
    {"--device", true},
    {"--flash-attn", true},
    {"--ubatch-size", true},
    {"--numa", true},
    {"--prio", true},
    {"--poll", true},
    {"--cpu-mask,-C", true},
    {"--cpu-range", true},
    {"--cpu-strict", true},
    {"--defrag-thold", true},
    {"--n-cpu-moe", true},
    {"--cpu-moe", false},
    {"--cpu-moe-draft", false},
    {"--n-cpu-moe-draft", true},
    {"--gpu-layers-draft,--n-gpu-layers-draft", true},
    {"--device-draft", true},
    {"--override-tensor-draft", true},
    {"--fit", true},
    {"--fit-target", true},
    {"--fit-ctx", true},
    {"--no-kv-offload", true},
    {"--kv-offload", false},
    {"--no-op-offload", true},
    {"--op-offload", false},
    {"--no-host", true},
    {"--mmap", true},
    {"--no-mmap", false},
    {"--mlock", false},
    {"--no-warmup", false},
    {"--no-perf", false},
    {"--jinja", false},
    {"--log-disable", false},
    {"--verbosity,--log-verbosity", true},
    {"--verbose,--log-verbose,-v", false},
    {"--color", true},
};

float factor(const std::string& text) {
  float value = 0;
  if (!CLI::detail::lexical_cast(text, value) || !(value > 0))
    throw CLI::ValidationError("--rope-scale", "'" + text + "' must be auto or a number above 0");
  return value;
}

int thread_count(const std::string& text) {
  int value = 0;
  if (!CLI::detail::lexical_cast(text, value) || value < -1 || value > kMostThreads)
    throw CLI::ValidationError("--threads",
                               fmt::format("'{}' must be auto or a number, -1..{}", text, kMostThreads));
  return value;
}

// A flag whose value may be left out; CLI11 then hands over an empty text or its word for yes.
int length_or(const std::string& text, int otherwise) {
  if (text.empty() || text == "true") return otherwise;
  int value = 0;
  if (!CLI::detail::lexical_cast(text, value) || value < 2)
    throw CLI::ValidationError(
        "--log-n", "'" + text + "' must be a length of at least 2 tokens; a model file goes before --log-n");
  return value;
}

}  // namespace

std::vector<std::string> cache_type_names() {
  std::vector<std::string> names;
  for (const CacheTypeInfo& type : kCacheTypes) names.emplace_back(type.name);
  return names;
}

CLI::Option* add_model_option(CLI::App& verb, std::string& path) {
  return verb.add_option("-m,--model,FILE", path, "Model file (GGUF)")->type_name("");
}

void require_model(CLI::App& verb) { verb.get_option("--model")->envname(kModelVariable)->required(); }

void SessionFlags::add_to(CLI::App& verb) {
  add_model_option(verb, model);
  auto* group = verb.add_option_group("Computing");
  group
      ->add_option("-c,--ctx-size", session_.context,
                   "Tokens of context; 0: as many as the model was trained for")
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  if (verb.get_option_no_throw("--threads") == nullptr) {  // bench takes a list
    group
        ->add_option_function<std::string>(
            "-t,--threads",
            [this](const std::string& value) {
              auto_threads_ = value == "auto";
              session_.threads = auto_threads_ ? 0 : thread_count(value);
            },
            "Threads; 0: one for each physical core, fewer for very small models; auto: as many as pay on "
            "this "
            "machine, found out once")
        ->type_name("N|auto");
  }
  group
      ->add_option("--threads-batch,--tb", session_.prefill_threads,
                   "Threads while reading (-tb); 0: as many as for writing")
      ->check(CLI::Range(0, kMostThreads))
      ->type_name("N");
  group->add_option("-b,--batch-size", session_.batch, "Tokens read at once")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  if (verb.get_option_no_throw("--cache-type-k") == nullptr) {  // likewise
    group
        ->add_option("--cache-type-k,--ctk", key_cache_,
                     "Type of the cached keys (-ctk): f32, f16, bf16 or q8_0")
        ->check(CLI::IsMember(cache_type_names()))
        ->type_name("TYPE");
    group->add_option("--cache-type-v,--ctv", value_cache_, "Type of the cached values (-ctv)")
        ->check(CLI::IsMember(cache_type_names()))
        ->type_name("TYPE");
  }
  group
      ->add_option("--isa", isa_,
                   "Kernels to use, such as sse2, avx2 or avx512; default: the best this CPU runs")
      ->type_name("NAME");
  group->add_flag("--no-repack", no_repack_,
                  "Compute from the file's own layout: loads faster, runs slower (-nr)");
  add_rope(verb);
  add_attention(verb);
  add_ignored(verb);
}

void SessionFlags::add_rope(CLI::App& verb) {
  RopeOptions& rope = session_.rope;
  auto* group = verb.add_option_group("Rotary positions", "Default: what the file says");
  group->add_option("--rope-scaling", rope_scaling_, "none, linear, ntk, ntk-fixed, ntk-mixed or yarn")
      ->check(CLI::IsMember(names(kRopeScalings)))
      ->type_name("NAME");
  auto* freq_scale = group
                         ->add_option_function<float>(
                             "--rope-freq-scale", [&rope](const float& scale) { rope.factor = 1 / scale; },
                             "The same as --rope-scale 1/F")
                         ->check(CLI::PositiveNumber)
                         ->type_name("F");
  group
      ->add_option_function<std::string>(
          "--rope-scale",
          [&rope](const std::string& value) {
            rope.auto_factor = value == "auto";
            rope.factor = rope.auto_factor ? -1 : factor(value);
          },
          "Stretch the context by this factor (alone: linear); auto: as the context asks for")
      ->type_name("F|auto")
      ->excludes(freq_scale);
  group->add_option("--rope-freq-base", rope.base, "Base of the frequencies")->type_name("F");
  group->add_option("--yarn-orig-ctx", rope.original_context, "Context the model was trained for")
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  group->add_option("--yarn-ext-factor", rope.yarn_ext_factor, "Share of extrapolation")->type_name("F");
  group->add_option("--yarn-beta-fast", rope.yarn_beta_fast, "Turns above which positions stay")
      ->type_name("F");
  group->add_option("--yarn-beta-slow", rope.yarn_beta_slow, "Turns below which positions are stretched")
      ->type_name("F");
}

void SessionFlags::add_attention(CLI::App& verb) {
  AttentionOptions& a = session_.attention;
  auto* group =
      verb.add_option_group("Long texts", "Default: what the file says, else all of the text is attended to");
  group
      ->add_option("--attention", a.memory,
                   "What is remembered: full, window, rerope, leaky-rerope, vq or performer")
      ->check(CLI::IsMember({"full", "window", "rerope", "leaky-rerope", "vq", "performer"}))
      ->type_name("NAME");
  const auto number = [&](const char* flag, auto& value, const char* help) {
    group->add_option(flag, value, help)->type_name("N")->check(CLI::NonNegativeNumber);
  };
  number("--attention-window", a.window, "Tokens that are seen at their true distance");
  number("--attention-sinks", a.sinks, "First tokens that are never forgotten (window, vq, performer)");
  number("--attention-far", a.far, "Distance at which all older text stands (vq, performer)");
  number("--rerope-leak", a.leak, "Beyond the window distances grow so many times slower (leaky-rerope)");
  number("--vq-codes", a.codes, "Codes to learn for each head (vq)");
  group->add_flag("--vq-weighted", a.weighted, "Dimensions count by how much queries ask for them (vq)");
  group->add_flag("--vq-second-order", a.second_order, "Codes remember how their keys scatter (vq)");
  number("--vq-exact", a.exact, "Old tokens each query reads exactly; nothing is forgotten then (vq)");
  number("--performer-features", a.features, "Random features for each head (performer)");
  number("--attention-checkpoints", a.checkpoints, "Earlier states kept for going back (default 3)");
  group
      ->add_option_function<std::string>(
          "--log-n", [&a](const std::string& value) { a.log_n = length_or(value, 0); },
          "Attention grows sharper with the text, from N tokens on; alone: from the trained context")
      ->expected(0, 1)
      ->type_name("[N]");
}

void SessionFlags::add_ignored(CLI::App& verb) {
  for (const Ignored& row : kIgnored) {
    const std::string flags = row.flags;
    const std::string name = flags.substr(0, flags.find(','));
    // A verb that has a use for the flag added its own before.
    if (verb.get_option_no_throw(name) != nullptr) continue;
    const auto note = [this, name](const auto&) { ignored_.push_back(name); };
    auto* option = row.takes_value ? verb.add_option_function<std::string>(flags, note)
                                   : verb.add_flag_function(flags, note);
    option->group("");  // not in the help
  }
}

LoadOptions SessionFlags::load_options() const {
  LoadOptions options;
  options.repack = !no_repack_;
  options.threads = std::max(0, session_.threads);
  options.isa = isa_;
  return options;
}

SessionOptions SessionFlags::session_options() const {
  SessionOptions options = session_;
  options.threads = std::max(0, options.threads);
  if (auto_threads_) use_best_threads(options);
  options.key_cache = parse_cache_type(key_cache_);
  options.value_cache = parse_cache_type(value_cache_);
  if (!rope_scaling_.empty()) options.rope.scaling = kRopeScalings.at(rope_scaling_);
  return options;
}

void SessionFlags::tell_notes() const {
  if (!ignored_.empty()) print_note(fmt::format("no effect here: {}", fmt::join(ignored_, ", ")));
  note_threads(std::max(session_.threads, session_.prefill_threads));
}

void note_threads(int threads) {
  const int cores = usable_cores();
  if (threads > cores)
    print_note(fmt::format("{} threads on {} core{}; more threads than cores are slower", threads, cores,
                           cores == 1 ? "" : "s"));
}

Model open_model(const std::string& path, LoadOptions options) {
  ProgressBar bar("loading");
  options.progress = [&bar, told = std::move(options.progress)](float share) {
    bar.update(share);
    return !signal_waiting() && (!told || told(share));
  };
  Model model = Model::load(path, options);
  bar.clear();
  for (const std::string& warning : model.info().warnings) print_note(warning);
  return model;
}

}  // namespace longhand::cli
