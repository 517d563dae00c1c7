#include "cli/flags/session_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/flags/foreign_flags.h"
#include "cli/flags/option_flags.h"
#include "cli/measure/thread_counts.h"
#include "cli/models/model_names.h"
#include "cli/models/models_path.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

float factor(const std::string& text) {
  float value = 0;
  if (!CLI::detail::lexical_cast(text, value) || !(value > 0))
    throw CLI::ValidationError("--rope-scale", "'" + text + "' must be auto or a number above 0");
  return value;
}

int thread_count(const std::string& text) {
  int value = 0;
  if (!CLI::detail::lexical_cast(text, value) || value < -1 || value > kMaxThreads)
    throw CLI::ValidationError("--threads",
                               fmt::format("'{}' must be auto or a number, -1..{}", text, kMaxThreads));
  return value;
}

// A flag whose value may be left out; CLI11 then hands over an empty text or its word for yes.
int length_or(const std::string& text, int otherwise) {
  if (text.empty() || text == "true") return otherwise;
  int value = 0;
  if (!CLI::detail::lexical_cast(text, value) || (value < 2 && value != 0))
    throw CLI::ValidationError(
        "--log-n", "'" + text + "' must be a length of at least 2 tokens; a model file goes before --log-n");
  return value;
}

}  // namespace

std::vector<std::string> cache_type_names() { return {kCacheTypeNames.begin(), kCacheTypeNames.end()}; }
std::string_view cache_type_name(CacheType type) noexcept { return kCacheTypeNames[std::size_t(type)]; }
CacheType cache_type_of(std::string_view name) {
  return CacheType(std::ranges::find(kCacheTypeNames, name) - kCacheTypeNames.begin());
}

constexpr const char* kModelHelp =
    "Model file (GGUF), or a name that `longhand models` lists, or hf:OWNER/REPO[:QUANT] (-hf OWNER/REPO), "
    "ollama:NAME[:TAG] or a URL, which is downloaded once";

CLI::Option* add_model_option(CLI::App& verb, std::string& path) {
  return verb.add_option("-m,--model,FILE", path, kModelHelp)->type_name("");
}

void require_model(CLI::App& verb) { verb.get_option("--model")->envname(kModelVariable)->required(); }

void SessionFlags::add_to(CLI::App& verb) {
  if (verb.get_option_no_throw("--model") == nullptr) add_model_option(verb, model);
  verb.add_flag("-v,--verbose,--log-verbose", verbose_, "Tell more about the model and how it is computed");
  add_computing(verb);
  add_rope(verb);
  add_attention(verb);
  adapters_.add_to(verb);
  add_foreign_flags(verb, ignored_);
}

void SessionFlags::add_computing(CLI::App& verb) {
  auto* group = verb.add_option_group("Computing");
  // bench takes lists of some of these, and has them before.
  if (verb.get_option_no_throw("--threads") == nullptr) add_threads(*group);
  each_option(kSessionOptions, session_,
              [&](const auto& row, auto& value) { add_option_flag(verb, *group, row, value); });
  add_option_flag(verb, *group, find_option(kLoadOptions, &LoadOptions::isa), load_.isa);
  group
      ->add_option(
          "--override-kv", load_.overrides,
          "A value instead of the file's own: llama.context_length=int:8192; types int, float, bool and str")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(1)
      ->delimiter(',')
      ->type_name("KEY=TYPE:VALUE");
  placement_.add_to(verb, *group);
  group->add_flag(find_flag("repack")->flags, no_repack_,
                  "Compute from the file's own layout: loads faster, runs slower (-nr)");
}

void SessionFlags::add_threads(CLI::App& group) {
  const auto& row = find_option(kSessionOptions, &SessionOptions::threads);
  const OptionFlag& flag = *find_flag(row.name);
  const auto set = [this](const std::string& text) {
    auto_threads_ = text == "auto";
    session_.threads = auto_threads_ ? 0 : thread_count(text);
  };
  group.add_option_function<std::string>(flag.flags, set, help_of(row))->type_name(flag.value);
}

void SessionFlags::add_rope(CLI::App& verb) {
  RopeOptions& rope = session_.rope;
  auto* group = verb.add_option_group("Rotary positions", "Default: what the file says");
  each_option(kRopeOptions, rope,
              [&](const auto& row, auto& value) { add_option_flag(verb, *group, row, value); });
  auto* freq_scale = group
                         ->add_option_function<float>(
                             "--rope-freq-scale", [&rope](const float& scale) { rope.factor = 1 / scale; },
                             "The same as --rope-scale 1/F")
                         ->check(CLI::PositiveNumber)
                         ->type_name("F");
  const auto set = [&rope](const std::string& text) {
    rope.auto_factor = text == "auto";
    rope.factor = rope.auto_factor ? -1 : factor(text);
  };
  const auto& row = find_option(kRopeOptions, &RopeOptions::factor);
  const OptionFlag& flag = *find_flag(row.name);
  group->add_option_function<std::string>(flag.flags, set, help_of(row))
      ->type_name(flag.value)
      ->excludes(freq_scale);
}

void SessionFlags::add_attention(CLI::App& verb) {
  AttentionOptions& a = session_.attention;
  auto* group = verb.add_option_group("Long texts",
                                      "Default: what the file says; else chat, run and serve adapt (auto), "
                                      "and others attend to all of the text");
  const auto& memory = find_option(kAttentionOptions, &AttentionOptions::memory);
  const OptionFlag& memory_flag = *find_flag(memory.name);
  group->add_option(memory_flag.flags, a.memory, help_of(memory))
      ->check(CLI::IsMember(std::vector<std::string>(kMemoryNames.begin(), kMemoryNames.end())))
      ->type_name(memory_flag.value);
  each_option(kAttentionOptions, a,
              [&](const auto& row, auto& value) { add_option_flag(verb, *group, row, value); });
  const auto& budget = find_option(kSessionOptions, &SessionOptions::memory_budget);
  const OptionFlag& budget_flag = *find_flag(budget.name);
  group
      ->add_option_function<std::string>(
          budget_flag.flags, [this](const std::string& text) { session_.memory_budget = parse_bytes(text); },
          help_of(budget))
      ->type_name(budget_flag.value);
  const auto& log_n = find_option(kAttentionOptions, &AttentionOptions::log_n);
  const OptionFlag& log_n_flag = *find_flag(log_n.name);
  group
      ->add_option_function<std::string>(
          log_n_flag.flags, [&a](const std::string& text) { a.log_n = length_or(text, 0); }, help_of(log_n))
      ->expected(0, 1)
      ->type_name(log_n_flag.value);
  const auto& indexer = find_option(kAttentionOptions, &AttentionOptions::indexer);
  const OptionFlag& indexer_flag = *find_flag(indexer.name);
  group
      ->add_option_function<std::string>(
          indexer_flag.flags, [&a](const std::string& text) { a.indexer = text == "on"; }, help_of(indexer))
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name(indexer_flag.value);
}

LoadOptions SessionFlags::load_options() const {
  LoadOptions options = load_;
  placement_.settle();
  options.repack = !no_repack_;
  options.threads = std::max(0, session_.threads);
  return options;
}

SessionOptions SessionFlags::session_options() const {
  SessionOptions options = session_;
  options.threads = std::max(0, options.threads);
  const CpuSets& workers = placement_.settle();
  if (options.cpus.empty() && !workers.empty()) options.cpus = cpu_sets_text(workers);
  if (auto_threads_) use_best_threads(options);
  return options;
}

SessionOptions SessionFlags::session_options(const Model& model) const {
  SessionOptions options = session_options();
  adapters_.load(model, options);
  return options;
}

void SessionFlags::tell_notes() const {
  if (!ignored_.empty()) print_note(fmt::format("no effect here: {}", fmt::join(ignored_, ", ")));
  placement_.settle();
  for (const std::string& line : placement_.refused()) print_note(line);
  note_threads(std::max(session_.threads, session_.prefill_threads));
}

Model SessionFlags::open(const std::string& path, const LoadOptions& options) const {
  const auto start = std::chrono::steady_clock::now();
  Model model = open_model(path, options);
  if (!verbose_) return model;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const ModelInfo info = model.info();
  print_note(fmt::format("{}: {}, {} parameters, {}, {} of weights, loaded in {:.2f} s", path,
                         info.architecture, format_count(info.parameters), info.type,
                         format_bytes(info.weight_bytes), seconds));
  return model;
}

void SessionFlags::tell_details(const Session& session, std::uint32_t seed) const {
  if (!verbose_) return;
  const std::string& memory = session_.attention.memory;
  print_note(fmt::format("context {} of {} trained, attention {}, caches {} and {}, {} for the session",
                         session.context(), session.model().info().trained_context,
                         memory.empty() ? "as the file says" : memory,
                         kCacheTypeNames[std::size_t(session_.key_cache)],
                         kCacheTypeNames[std::size_t(session_.value_cache)], format_bytes(session.bytes())));
  print_note(fmt::format("{} threads, batches of {}, {} kernels, seed {}", session.threads(), session_.batch,
                         session.model().info().isa, seed));
}

void note_threads(int threads) {
  const int cores = usable_cores();
  if (threads > cores)
    print_note(fmt::format("{} threads on {} core{}; more threads than cores are slower", threads, cores,
                           cores == 1 ? "" : "s"));
}

Model open_model(const std::string& name, LoadOptions options) {
  const std::string path = model_path(name);
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
