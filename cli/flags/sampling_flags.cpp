#include "cli/flags/sampling_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <type_traits>

#include "cli/flags/option_flags.h"
#include "cli/terminal/output.h"
#include "engine/types/json_schema.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

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

void SamplingFlags::add_values(CLI::App& verb) {
  each_option(kSamplerOptions, options_, [&](const auto& row, auto& value) {
    CLI::Option* option = add_option_flag(verb, verb, row, value);
    if (option == nullptr) return;
    option->group("Sampling");
    // The library takes negative temperatures for 0; on a command line they are a mistake.
    if (row.name == "sampler.temperature") option->check(CLI::NonNegativeNumber);
    if constexpr (!std::is_same_v<decltype(value), bool&>) option->capture_default_str();
    by_row_[std::string(row.name)] = option;
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

bool SamplingFlags::given(std::string_view row) const {
  const auto found = by_row_.find(row);
  return found == by_row_.end() || found->second->count() > 0;
}

void SamplingFlags::apply(const SamplerOptions& recommended, SamplerOptions& options) const {
  each_option(kSamplerOptions, options, [&](const auto& row, auto& value) {
    if (!given(row.name)) value = recommended.*row.member;
  });
}

SamplerOptions SamplingFlags::options() const {
  SamplerOptions options = options_;
  options.seed = std::uint32_t(seed_);  // -1 is the mark of a fresh seed
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
  apply(model.recommended_sampling(), options);
  return options;
}

}  // namespace longhand::cli
