#include "cli/flags/option_flags.h"

#include <algorithm>
#include <cctype>

namespace longhand::cli {
namespace {

// clang-format off
constexpr OptionFlag kFlags[] = {
    {"context", "-c,--ctx-size", "N"},
    {"threads", "-t,--threads", "N|auto", "; auto: as many as pay on this machine, found out once", false},
    {"prefill_threads", "--threads-batch,--tb", "N", " (-tb)"},
    {"batch", "-b,--batch-size", "N"},
    {"cpus", "--cpus", "LIST"},
    {"key_cache", "--cache-type-k,--ctk", "TYPE", " (-ctk)"},
    {"value_cache", "--cache-type-v,--ctv", "TYPE", " (-ctv)"},
    {"isa", "--isa", "NAME"},
    {"repack", "--no-repack", "", "", false},
    {"rope.scaling", "--rope-scaling", "NAME"},
    {"rope.factor", "--rope-scale", "F|auto", "; auto: as the context asks for", false},
    {"rope.base", "--rope-freq-base", "F"},
    {"rope.original_context", "--yarn-orig-ctx", "N"},
    {"rope.yarn_ext_factor", "--yarn-ext-factor", "F"},
    {"rope.yarn_beta_fast", "--yarn-beta-fast", "F"},
    {"rope.yarn_beta_slow", "--yarn-beta-slow", "F"},
    {"attention.memory", "--attention", "NAME", "", false},
    {"attention.summary_from", "--summary-from", "N"},
    {"memory_budget", "--memory-budget", "SIZE", ", such as 1GiB", false},
    {"min_speed", "--min-speed", "T/S"},
    {"attention.window", "--attention-window", "N"},
    {"attention.sinks", "--attention-sinks", "N"},
    {"attention.far", "--attention-far", "N"},
    {"attention.leak", "--rerope-leak", "N"},
    {"attention.codes", "--vq-codes", "N"},
    {"attention.weighted", "--vq-weighted"},
    {"attention.second_order", "--vq-second-order"},
    {"attention.exact", "--vq-exact", "N"},
    {"attention.features", "--performer-features", "N"},
    {"attention.checkpoints", "--ctx-checkpoints,--attention-checkpoints", "N", " (default 8)"},
    {"attention.log_n", "--log-n", "[N]", ", as does the flag alone", false},
    {"attention.indexer", "--indexer", "on|off", "", false},
    {"embed.pooling", "--pooling", "NAME", " (default: what the file says)"},
    {"embed.normalize", "--normalize", "on|off", " (default: on)", false},
    {"sampler.seed", "-s,--seed", "", "", false},
    {"sampler.temperature", "--temp,--temperature"},
    {"sampler.top_k", "--top-k"},
    {"sampler.top_p", "--top-p"},
    {"sampler.min_p", "--min-p"},
    {"sampler.typical_p", "--typical,--typical-p"},
    {"sampler.top_n_sigma", "--top-nsigma,--top-n-sigma"},
    {"sampler.xtc_probability", "--xtc-probability"},
    {"sampler.xtc_threshold", "--xtc-threshold"},
    {"sampler.dynatemp_range", "--dynatemp-range"},
    {"sampler.dynatemp_exponent", "--dynatemp-exp"},
    {"sampler.repeat_penalty", "--repeat-penalty"},
    {"sampler.penalty_last_n", "--repeat-last-n"},
    {"sampler.presence_penalty", "--presence-penalty"},
    {"sampler.frequency_penalty", "--frequency-penalty"},
    {"sampler.mirostat", "--mirostat"},
    {"sampler.mirostat_eta", "--mirostat-lr"},
    {"sampler.mirostat_tau", "--mirostat-ent"},
    {"sampler.dry_multiplier", "--dry-multiplier"},
    {"sampler.dry_base", "--dry-base"},
    {"sampler.dry_allowed_length", "--dry-allowed-length"},
    {"sampler.dry_penalty_last_n", "--dry-penalty-last-n"},
    {"sampler.dry_breakers", "--dry-sequence-breaker", "", "", false},
    {"sampler.stages", "--samplers", "", "", false},
    {"sampler.logit_bias", "-l,--logit-bias", "", "", false},
    {"sampler.ignore_eos", "--ignore-eos"},
    {"sampler.grammar", "--grammar", "", "", false},
    {"scheduler.parallel", "--parallel,--np", "N", " (-np)"},
    {"scheduler.queue", "--queue", "N"},
    {"scheduler.latency", "--latency", "SECONDS"},
    {"scheduler.cache_mib", "--cache-ram,--cram", "MIB", " (-cram)"},
    {"speculation.mtp", "--mtp", "[N]"},
    {"speculation.most", "--draft,--draft-max,--draft-n", "N"},
};
// clang-format on

// Numbers up to so large are ends that nobody asks for; naming them tells nothing.
constexpr double kLarge = 1e6;

bool is_word(char c) { return std::isalnum(std::uint8_t(c)) != 0 || c == '_' || c == '-'; }

// Whether `name` at `at` is a word of its own. One without a dot is an everyday word too, which is an option
// only where the message is about its value.
bool is_option_at(std::string_view message, std::size_t at, std::string_view name) {
  const std::string_view rest = message.substr(at + name.size());
  if (name.find('.') == std::string_view::npos) return at == 0 && rest.starts_with(" is ");
  if (at > 0 && (is_word(message[at - 1]) || message[at - 1] == '.')) return false;
  return rest.empty() || !(is_word(rest[0]) || (rest[0] == '.' && rest.size() > 1 && is_word(rest[1])));
}

}  // namespace

std::span<const OptionFlag> option_flags() noexcept { return kFlags; }

const OptionFlag* find_flag(std::string_view option) noexcept {
  const auto* const found = std::ranges::find(kFlags, option, &OptionFlag::option);
  return found == std::end(kFlags) ? nullptr : found;
}

std::string flag_word(const OptionFlag& flag) {
  const std::string_view flags = flag.flags;
  const std::size_t at = flags.find("--");
  return std::string(flags.substr(at, flags.find(',', at) - at));
}

std::string with_flags(std::string_view message) {
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    const auto* const named = std::ranges::find_if(kFlags, [&](const OptionFlag& flag) {
      return message.substr(at).starts_with(flag.option) && is_option_at(message, at, flag.option);
    });
    if (named == std::end(kFlags)) {
      out += message[at++];
    } else {
      out += fmt::format("{} ({})", flag_word(*named), named->option);
      at += named->option.size();
    }
  }
  return out;
}

std::string check_number(const OptionRange& range, double value, double otherwise, std::string_view text) {
  const bool allowed = range.holds(value) && (value >= range.least || value == otherwise);
  return allowed ? "" : fmt::format("'{}' must be {}", text, describe(range));
}

std::string describe_shortly(const OptionRange& range) {
  const bool low = range.least > -kLarge, high = range.most < kLarge;
  if (low && high) return describe(range);
  if (low) return fmt::format("{} {}", range.above_least ? ">" : ">=", range.least);
  return high ? fmt::format("<= {}", range.most) : "";
}

}  // namespace longhand::cli
