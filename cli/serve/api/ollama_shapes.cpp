#include "cli/serve/api/ollama_shapes.h"

#include <cmath>

#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/api/sampling_fields.h"
#include "cli/terminal/local_time.h"

namespace longhand::cli {

std::string ollama_time() { return utc_time(std::chrono::system_clock::now()); }

Json ollama_begin(const Service& service) {
  return {{"model", service.name()}, {"created_at", ollama_time()}};
}

void end_reply(Json& reply, const RequestResult& result) {
  reply["done"] = true;
  reply["done_reason"] = finish_reason(result);
  const auto nanoseconds = [](double seconds) { return std::llround(seconds * 1e9); };
  reply["total_duration"] = nanoseconds(result.wait_seconds + result.prompt_seconds + result.write_seconds);
  reply["load_duration"] = 0;
  reply["prompt_eval_count"] = result.prompt_tokens;
  reply["prompt_eval_duration"] = nanoseconds(result.prompt_seconds);
  reply["eval_count"] = result.written_tokens;
  reply["eval_duration"] = nanoseconds(result.write_seconds);
}

void read_ollama_options(const Service& service, const Fields& fields, ChatAsk& ask) {
  const Json* given = fields.object("options");
  const Json none = Json::object();
  const Fields options(given == nullptr ? none : *given, "options.");
  read_limits(service, options, ask);
  ask.answers = 1;
  if (const auto most = options.integer("num_predict", -2, 1 << 30))
    ask.max_tokens = *most < 0 ? -1 : int(*most);
  if (const auto last = options.integer("repeat_last_n", -1, 1 << 30))
    ask.sampler.penalty_last_n = int(*last);
  ask.chat.variables = service.options().variables;
  if (const Json* think = fields.find("think")) {
    if (think->is_string()) {
      ask.chat.thinking = true;
      ask.chat.reasoning_effort = think->get<std::string>();
    } else {
      ask.chat.thinking = fields.flag("think");
    }
  }
  const Json* format = fields.find("format");
  if (format == nullptr || *format == "") return;
  if (!format->is_object() && *format != "json") fields.refuse("format", "json or a JSON schema");
  hold_to_schema(format->is_object() ? dump(*format) : R"({"type":"object"})", ask);
}

}  // namespace longhand::cli
