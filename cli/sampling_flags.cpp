#include "cli/sampling_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "cli/output.h"
#include "engine/grammar/json_schema.h"
#include "loaders/keys.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// "\n" and "\t" as people write them on a command line.
std::string unescaped(std::string text) {
  for (const auto& [written, meant] : {std::pair{"\\n", "\n"}, std::pair{"\\t", "\t"}}) {
    for (std::size_t at = 0; (at = text.find(written, at)) != std::string::npos; ++at)
      text.replace(at, 2, meant);
  }
  return text;
}

}  // namespace

std::pair<Token, float> parse_logit_bias(const std::string& text) {
  Token token = 0;
  float bias = 0;
  const char* end = text.data() + text.size();
  const auto id = std::from_chars(text.data(), end, token);
  const bool signed_bias = id.ec == std::errc() && id.ptr != end && (*id.ptr == '+' || *id.ptr == '-');
  const auto value = signed_bias ? std::from_chars(id.ptr + 1, end, bias) : id;
  if (!signed_bias || value.ec != std::errc() || value.ptr != end) {
    throw Error(Errc::range, fmt::format("--logit-bias {}: must be TOKEN+BIAS or TOKEN-BIAS", text));
  }
  return {token, *id.ptr == '-' ? -bias : bias};
}

void apply_model_defaults(SamplerOptions& options, const Gguf& file, const std::set<std::string>& given) {
  const auto number = [&](float& value, const char* name, const KeySpec& key) {
    if (given.count(name) > 0) return;
    if (const auto found = file.get_float(key)) value = static_cast<float>(*found);
  };
  const auto integer = [&](int& value, const char* name, const KeySpec& key) {
    if (given.count(name) > 0) return;
    if (const auto found = file.get_int(key)) value = static_cast<int>(*found);
  };
  number(options.temperature, "temp", key::sampling_temp);
  integer(options.top_k, "top_k", key::sampling_top_k);
  number(options.top_p, "top_p", key::sampling_top_p);
  number(options.min_p, "min_p", key::sampling_min_p);
  number(options.xtc_probability, "xtc_probability", key::sampling_xtc_probability);
  number(options.xtc_threshold, "xtc_threshold", key::sampling_xtc_threshold);
  integer(options.penalty_last_n, "penalty_last_n", key::sampling_penalty_last_n);
  number(options.repeat_penalty, "penalty_repeat", key::sampling_penalty_repeat);
  integer(options.mirostat, "mirostat", key::sampling_mirostat);
  number(options.mirostat_tau, "mirostat_tau", key::sampling_mirostat_tau);
  number(options.mirostat_eta, "mirostat_eta", key::sampling_mirostat_eta);
}

void SamplingFlags::add_values(CLI::App& verb) {
  SamplerOptions& o = options_;
  const auto add = [&](const char* flags, auto& value, const char* help) {
    return verb.add_option(flags, value, help)->capture_default_str()->group("Sampling");
  };
  by_key_["temp"] = add("--temp,--temperature", o.temperature, "Temperature; 0: always the most likely token")
                        ->check(CLI::NonNegativeNumber);
  by_key_["top_k"] = add("--top-k", o.top_k, "Keep the K most likely; 0: off");
  by_key_["top_p"] = add("--top-p", o.top_p, "Keep the most likely up to this probability; 1: off");
  by_key_["min_p"] = add("--min-p", o.min_p, "Keep what is this much as likely as the most likely; 0: off");
  add("--typical,--typical-p", o.typical_p, "Keep the most typical up to this probability; 1: off");
  add("--top-nsigma,--top-n-sigma", o.top_n_sigma, "Keep logits within N deviations of the largest; -1: off");
  by_key_["xtc_probability"] =
      add("--xtc-probability", o.xtc_probability, "How often to drop top choices; 0: off");
  by_key_["xtc_threshold"] = add("--xtc-threshold", o.xtc_threshold, "Probability that makes a top choice");
  add("--dynatemp-range", o.dynatemp_range, "Temperature varies by this much with entropy; 0: off");
  add("--dynatemp-exp", o.dynatemp_exponent, "How it varies with entropy");
  by_key_["penalty_repeat"] =
      add("--repeat-penalty", o.repeat_penalty, "Divides logits of repeated tokens; 1: off");
  by_key_["penalty_last_n"] =
      add("--repeat-last-n", o.penalty_last_n, "Tokens that count as repeated; -1: all, 0: off");
  add("--presence-penalty", o.presence_penalty, "Taken off logits of repeated tokens");
  add("--frequency-penalty", o.frequency_penalty, "Taken off logits of repeated tokens for each time");
  by_key_["mirostat"] = add("--mirostat", o.mirostat, "Mirostat 1 or 2 instead of filters; 0: off");
  by_key_["mirostat_eta"] = add("--mirostat-lr", o.mirostat_eta, "Learning rate of Mirostat");
  by_key_["mirostat_tau"] = add("--mirostat-ent", o.mirostat_tau, "Surprise Mirostat aims at, in bits");
}

void SamplingFlags::add_dry(CLI::App& verb) {
  SamplerOptions& o = options_;
  const auto add = [&](const char* flags, auto& value, const char* help) {
    return verb.add_option(flags, value, help)->capture_default_str()->group("Sampling");
  };
  add("--dry-multiplier", o.dry_multiplier, "DRY: strength against repeated sequences; 0: off");
  add("--dry-base", o.dry_base, "DRY: growth with each further token");
  add("--dry-allowed-length", o.dry_allowed_length, "DRY: repetitions up to this length are free");
  add("--dry-penalty-last-n", o.dry_penalty_last_n, "DRY: tokens looked back at; -1: all, 0: off");
  verb.add_option("--dry-sequence-breaker", breakers_,
                  "DRY: text no sequence reaches over, instead of the default; none")
      ->expected(1)
      ->take_all()
      ->group("Sampling");
}

void SamplingFlags::add_grammar(CLI::App& verb) {
  const auto add = [&](const char* flags, std::string& value, const char* help) {
    return verb.add_option(flags, value, help)->group("Sampling");
  };
  CLI::Option* all[] = {add("--grammar", grammar_, "GBNF grammar the text must follow"),
                        add("--grammar-file", grammar_file_, "File with that grammar"),
                        add("-j,--json-schema", schema_, "JSON schema the text must satisfy; {}: any JSON"),
                        add("--json-schema-file", schema_file_, "File with that schema (-jf)")};
  for (CLI::Option* one : all) {
    for (CLI::Option* other : all) {
      if (one != other) one->excludes(other);
    }
  }
}

void SamplingFlags::add_to(CLI::App& verb) {
  verb.add_option("-s,--seed", seed_, "Seed of the random numbers; -1: a fresh one")
      ->check(CLI::Range(std::int64_t{-1}, std::int64_t{0xFFFFFFFF}))
      ->group("Sampling");
  add_values(verb);
  add_dry(verb);
  CLI::Option* names =
      verb.add_option("--samplers", stages_, "Stages in order, such as top_k;top_p;temperature");
  verb.add_option("--sampling-seq", stage_letters_, "The same by letters: edskypmxt")
      ->group("Sampling")
      ->excludes(names);
  names->group("Sampling");
  verb.add_option("-l,--logit-bias", biases_, "TOKEN+BIAS or TOKEN-BIAS, added to a token's logit")
      ->expected(1)
      ->take_all()
      ->group("Sampling");
  verb.add_flag("--ignore-eos", options_.ignore_eos, "Never end by itself")->group("Sampling");
  add_grammar(verb);
}

std::set<std::string> SamplingFlags::given() const {
  std::set<std::string> keys;
  for (const auto& [key, option] : by_key_) {
    if (option->count() > 0) keys.insert(key);
  }
  return keys;
}

SamplerOptions SamplingFlags::options() const {
  SamplerOptions options = options_;
  options.seed = static_cast<std::uint32_t>(seed_);  // -1 is the mark of a fresh seed
  if (!stages_.empty() || !stage_letters_.empty()) {
    options.stages = parse_sampler_stages(stages_.empty() ? stage_letters_ : stages_);
  }
  for (const std::string& bias : biases_) options.logit_bias.push_back(parse_logit_bias(bias));
  if (!breakers_.empty()) options.dry_breakers.clear();
  for (const std::string& breaker : breakers_) {
    if (breaker != "none") options.dry_breakers.push_back(unescaped(breaker));
  }
  options.grammar = grammar_file_.empty() ? grammar_ : read_text(grammar_file_);
  const std::string schema = schema_file_.empty() ? schema_ : read_text(schema_file_);
  if (!schema.empty()) options.grammar = json_schema_to_gbnf(schema);
  return options;
}

SamplerOptions SamplingFlags::options(const Model& model) const {
  SamplerOptions options = this->options();
  apply_model_defaults(options, model.data().file, given());
  return options;
}

}  // namespace longhand::cli
