#include "cli/serve/api/sampling_fields.h"

#include <charconv>

#include "cli/serve/api/api_error.h"

namespace longhand::cli {
namespace {

// What a member gives an option.
template <class Options, class Value>
void read_option(const Fields& fields, const Option<Options, Value>& row, Value& value) {
  const std::string name(row.name.substr(row.name.find('.') + 1));
  if constexpr (std::is_same_v<Value, bool>) {
    if (const auto given = fields.flag(name.c_str())) value = *given;
  } else if constexpr (std::is_same_v<Value, std::string>) {
    if (const auto given = fields.text(name.c_str())) value = *given;
  } else {
    const auto given = fields.number(name.c_str());
    if (!given) return;
    if (!row.range.holds(*given)) fields.refuse(name, describe(row.range));
    if (std::is_integral_v<Value> && *given != double(Value(*given))) fields.refuse(name, "a whole number");
    value = Value(*given);
  }
}

void read_bias(const Fields& fields, int vocab, SamplerOptions& options) {
  const Json* biases = fields.object("logit_bias");
  if (biases == nullptr) return;
  for (const auto& [key, bias] : biases->items()) {
    Token token = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc() || end != key.data() + key.size() || token < 0 || token >= vocab)
      fields.refuse("logit_bias", fmt::format("by token ids, 0..{}", vocab - 1));
    if (!bias.is_number() || std::abs(bias.get<double>()) > 1000)
      fields.refuse("logit_bias", "numbers, -1000..1000");
    options.logit_bias.emplace_back(token, bias.get<float>());
  }
}

constexpr std::size_t kMostStops = 64, kMostStopBytes = 64 << 10;

// OpenAI's seeds have 64 bits and a sign.
std::uint32_t seed_of(const Json& seed) {
  const bool fresh = !seed.is_number_unsigned() && seed.get<std::int64_t>() == -1;
  return fresh ? SamplerOptions().seed : fold_seed(seed.get<std::uint64_t>());
}

}  // namespace

std::uint32_t fold_seed(std::uint64_t seed) noexcept { return std::uint32_t(seed % SamplerOptions().seed); }

void read_sampling(const Fields& fields, int vocab, SamplerOptions& options) {
  const Json* seed = fields.find("seed");
  const bool whole = seed != nullptr && seed->is_number_integer();
  each_option(kSamplerOptions, options, [&](const auto& row, auto& value) {
    if (row.name == "sampler.seed" && whole) return;
    read_option(fields, row, value);
  });
  if (whole) options.seed = seed_of(*seed);
  read_bias(fields, vocab, options);
}

std::vector<std::string> read_stops(const Fields& fields, const char* name) {
  std::vector<std::string> stops = fields.texts(name);
  std::size_t bytes = 0;
  for (const std::string& stop : stops) bytes += stop.size();
  if (stops.size() > kMostStops || bytes > kMostStopBytes)
    fields.refuse(name, fmt::format("at most {} strings of {} bytes together", kMostStops, kMostStopBytes));
  return stops;
}

std::optional<std::string> format_schema(const Fields& fields, const char* name) {
  constexpr const char* kAnyObject = R"({"type":"object"})";
  const Json* given = fields.object(name);
  if (given == nullptr) return std::nullopt;
  const Fields format(*given, fields.path_of(name) + ".");
  const std::string type = format.text("type", "text");
  if (type == "text") return std::nullopt;
  if (type == "json_object") {
    const Json* schema = format.object("schema");
    return schema == nullptr ? kAnyObject : dump(*schema);
  }
  if (type != "json_schema") format.refuse("type", "text, json_object or json_schema");
  // Of chat completions it lies one level deeper than of responses.
  const Json* wrapper = format.object("json_schema");
  const Fields inner(wrapper == nullptr ? *given : *wrapper, format.path_of("json_schema") + ".");
  const Json* schema = inner.object("schema");
  if (schema == nullptr) throw ApiError(400, format.path_of("json_schema") + ".schema is missing");
  return dump(*schema);
}

}  // namespace longhand::cli
