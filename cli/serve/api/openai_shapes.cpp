#include "cli/serve/api/openai_shapes.h"

#include <cmath>

namespace longhand::cli {
namespace {

// JSON has no infinity; OpenAI's own number for a token that cannot be.
double finite(float log_probability) { return std::isfinite(log_probability) ? log_probability : -9999.0; }

Json token_json(const Service& service, const TokenProbability& token) {
  const std::string text = service.text_of(token.token);
  Json bytes = Json::array();
  for (const char c : text) bytes.push_back(int(std::uint8_t(c)));
  return {{"id", token.token}, {"token", text}, {"bytes", bytes}, {"logprob", finite(token.log_probability)}};
}

}  // namespace

Telling read_telling(const Fields& fields) {
  Telling told{.stream = fields.flag("stream", false), .progress = fields.flag("return_progress", false)};
  if (const Json* options = fields.object("stream_options"))
    told.usage = Fields(*options, "stream_options.").flag("include_usage", false);
  return told;
}

Json usage_json(const ChatUsage& usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.written},
          {"total_tokens", usage.prompt + usage.written},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
}

Json timings_json(const RequestResult& result) {
  const int read = result.prompt_tokens - result.cached_tokens;
  const auto rate = [](int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
  Json timings = {{"cache_n", result.cached_tokens},
                  {"prompt_n", read},
                  {"prompt_ms", 1000 * result.prompt_seconds},
                  {"prompt_per_second", rate(read, result.prompt_seconds)},
                  {"predicted_n", result.written_tokens},
                  {"predicted_ms", 1000 * result.write_seconds},
                  {"predicted_per_second", rate(result.written_tokens, result.write_seconds)}};
  if (result.guesses > 0)
    timings.update({{"draft_n", result.guesses}, {"draft_n_accepted", result.right_guesses}});
  return timings;
}

Json progress_json(const ReadingProgress& progress) {
  return {{"total", progress.total}, {"cache", progress.cached}, {"processed", progress.read}};
}

Json log_probabilities_json(const Service& service, const std::vector<TokenStep>& steps) {
  Json out = Json::array();
  for (const TokenStep& step : steps) {
    Json entry = token_json(service, step);
    entry["top_logprobs"] = Json::array();
    for (const TokenProbability& other : step.top)
      entry["top_logprobs"].push_back(token_json(service, other));
    out.push_back(std::move(entry));
  }
  return out;
}

HttpReply client_left() { return {.status = 499, .body = ""}; }

}  // namespace longhand::cli
