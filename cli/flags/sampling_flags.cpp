#include "cli/flags/sampling_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <tuple>
#include <type_traits>

#include "cli/flags/option_flags.h"
#include "cli/terminal/output.h"
#include "engine/sampling/schema/json_schema.h"
#include "loaders/gguf/keys.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// What a file may recommend under general.sampling.*
constexpr std::tuple kRecommended = {
    std::pair(&SamplerOptions::temperature, &key::sampling_temp),
    std::pair(&SamplerOptions::top_k, &key::sampling_top_k),
    std::pair(&SamplerOptions::top_p, &key::sampling_top_p),
    std::pair(&SamplerOptions::min_p, &key::sampling_min_p),
    std::pair(&SamplerOptions::xtc_probability, &key::sampling_xtc_probability),
    std::pair(&SamplerOptions::xtc_threshold, &key::sampling_xtc_threshold),
    std::pair(&SamplerOptions::penalty_last_n, &key::sampling_penalty_last_n),
    std::pair(&SamplerOptions::repeat_penalty, &key::sampling_penalty_repeat),
    std::pair(&SamplerOptions::mirostat, &key::sampling_mirostat),
    std::pair(&SamplerOptions::mirostat_tau, &key::sampling_mirostat_tau),
    std::pair(&SamplerOptions::mirostat_eta, &key::sampling_mirostat_eta)};

// "temp" of "general.sampling.temp".
std::string name_of(const KeySpec& key) { return std::string(key.name.substr(key.name.rfind('.') + 1)); }

std::string grammar_of_schema(const std::string& schema, bool lenient) {
  if (!lenient) return json_schema_to_gbnf(schema);
  SchemaGrammar made = schema_grammar(schema, true);
  for (const std::string& note : made.notes) write_error(fmt::format("note: {}\n", note));
  if (!made.satisfiable) throw Error(Errc::grammar, "schema: no value satisfies it");
  return std::move(made.gbnf);
}

// "\n" and "\t" as people write them on a command line.
std::string unescaped(std::string text) {
  for (const auto& [written, meant] : {std::pair{"\\n", "\n"}, std::pair{"\\t", "\t"}}) {
    for (std::size_t at = 0; (at = text.find(written, at)) != std::string::npos; ++at)
      text.replace(at, 2, meant);
  }
  return text;
}

}  // namespace

void add_stops(CLI::App& verb, std::vector<std::string>& stops) {
  verb.add_option("-r,--stop,--reverse-prompt", stops,
                  "The text ends before this; may be given several times")
      ->expected(1)
      ->take_all()
      ->type_name("TEXT");
}

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
  const auto apply = [&](const auto& recommended) {
    auto& value = options.*recommended.first;
    if (given.count(name_of(*recommended.second)) > 0) return;
    if constexpr (std::is_same_v<decltype(value), int&>) {
      if (const auto found = file.get_int(*recommended.second)) value = int(*found);
    } else {
      if (const auto found = file.get_float(*recommended.second)) value = float(*found);
    }
  };
  std::apply([&](const auto&... recommended) { (apply(recommended), ...); }, kRecommended);
}

void SamplingFlags::add_values(CLI::App& verb) {
  each_option(kSamplerOptions, options_, [&](const auto& row, auto& value) {
    CLI::Option* option = add_option_flag(verb, verb, row, value);
    if (option == nullptr) return;
    option->group("Sampling");
    // The library takes negative temperatures for 0; on a command line they are a mistake.
    if (row.name == "sampler.temperature") option->check(CLI::NonNegativeNumber);
    if constexpr (!std::is_same_v<decltype(value), bool&>) option->capture_default_str();
    std::apply(
        [&](const auto&... recommended) {
          const auto note = [&](const auto& one) {
            if (find_option(kSamplerOptions, one.first).name == row.name)
              by_key_[name_of(*one.second)] = option;
          };
          (note(recommended), ...);
        },
        kRecommended);
  });
}

void SamplingFlags::add_breakers(CLI::App& verb) {
  verb.add_option(find_flag("sampler.dry_breakers")->flags, breakers_,
                  "DRY: text no sequence reaches over, instead of the default; none")
      ->expected(1)
      ->take_all()
      ->group("Sampling");
}

void SamplingFlags::add_grammar(CLI::App& verb) {
  const auto add = [&](const char* flags, std::string& value, const char* help) {
    return verb.add_option(flags, value, help)->group("Sampling");
  };
  CLI::Option* all[] = {
      add(find_flag("sampler.grammar")->flags, grammar_, "GBNF grammar the text must follow"),
      add("--grammar-file", grammar_file_, "File with that grammar"),
      add("-j,--json-schema", schema_, "JSON schema the text must satisfy; {}: any JSON"),
      add("--json-schema-file", schema_file_, "File with that schema (-jf)")};
  for (CLI::Option* one : all) {
    for (CLI::Option* other : all) {
      if (one != other) one->excludes(other);
    }
  }
  verb.add_flag("--schema-lenient", schema_lenient_,
                "Note what the schema asks for and no grammar can hold, instead of failing")
      ->group("Sampling");
}

void SamplingFlags::add_to(CLI::App& verb) {
  verb.add_option(find_flag("sampler.seed")->flags, seed_, "Seed of the random numbers; -1: a fresh one")
      ->check(CLI::Range(std::int64_t{-1}, std::int64_t{0xFFFFFFFF}))
      ->group("Sampling");
  add_values(verb);
  add_breakers(verb);
  CLI::Option* names = verb.add_option(find_flag("sampler.stages")->flags, stages_,
                                       "Stages in order, such as top_k;top_p;temperature");
  verb.add_option("--sampling-seq", stage_letters_, "The same by letters: edskypmxt")
      ->group("Sampling")
      ->excludes(names);
  names->group("Sampling");
  verb.add_option(find_flag("sampler.logit_bias")->flags, biases_,
                  "TOKEN+BIAS or TOKEN-BIAS, added to a token's logit")
      ->expected(1)
      ->take_all()
      ->group("Sampling");
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
  if (!schema.empty()) options.grammar = grammar_of_schema(schema, schema_lenient_);
  return options;
}

SamplerOptions SamplingFlags::options(const Model& model) const {
  SamplerOptions options = this->options();
  apply_model_defaults(options, model.data().file, given());
  return options;
}

}  // namespace longhand::cli
