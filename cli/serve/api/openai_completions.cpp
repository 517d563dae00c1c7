// POST /v1/completions
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/api/sampling_fields.h"
#include "cli/serve/event_stream.h"
#include "cli/serve/text_run.h"

namespace longhand::cli {
namespace {

constexpr int kUsualTokens = 16;  // OpenAI's own number where a request does not say

struct CompletionAsk {
  ChatAsk how;
  std::vector<std::vector<Token>> prompts;
  Telling told;
};

CompletionAsk read_ask(const Service& service, const Json& json) {
  const Fields fields(json);
  CompletionAsk ask;
  read_limits(service, fields, ask.how);
  if (!fields.has("max_tokens") && !fields.has("n_predict") && ask.how.max_tokens < 0)
    ask.how.max_tokens = kUsualTokens;
  if (const auto schema = format_schema(fields, "response_format"))
    ask.how.sampler.grammar = json_schema_to_gbnf(*schema);
  if (const auto most = fields.integer("logprobs", 0, 20)) ask.how.top_log_probabilities = int(*most);
  if (fields.flag("echo", false)) fields.refuse("echo", "false: prompts are not repeated");
  if (const auto suffix = fields.text("suffix")) {
    ask.prompts = {infill_prompt(service, fields.needed_text("prompt"), *suffix)};
  } else {
    ask.prompts = read_prompts(service, fields, "prompt");
  }
  ask.told = read_telling(fields);
  return ask;
}

// Lists side by side, as this API has them.
Json steps_json(const Service& service, const std::vector<TokenStep>& steps, std::size_t& offset) {
  Json out = {{"tokens", Json::array()},
              {"token_logprobs", Json::array()},
              {"top_logprobs", Json::array()},
              {"text_offset", Json::array()}};
  for (const Json& entry : log_probabilities_json(service, steps)) {
    out["tokens"].push_back(entry["token"]);
    out["token_logprobs"].push_back(entry["logprob"]);
    Json named = Json::object();
    for (const Json& other : entry["top_logprobs"])
      named[other["token"].get<std::string>()] = other["logprob"];
    out["top_logprobs"].push_back(named);
    out["text_offset"].push_back(offset);
    offset += entry["bytes"].size();
  }
  return out;
}

Json reply_json(const Service& service, const std::string& id, Json choices) {
  return {{"id", id},
          {"object", "text_completion"},
          {"created", now_seconds()},
          {"model", service.name()},
          {"choices", std::move(choices)}};
}

ChatUsage usage_of(const CompletionAsk& ask, const std::vector<TextSoFar>& answers) {
  ChatUsage usage;
  for (const TextSoFar& answer : answers) usage.written += answer.result.written_tokens;
  for (std::size_t i = 0; i < ask.prompts.size(); ++i) {
    const RequestResult& first = answers[i * std::size_t(ask.how.answers)].result;
    usage.prompt += first.prompt_tokens;
    usage.cached += first.cached_tokens;
  }
  return usage;
}

bool stream_part(const Service& service, const CompletionAsk& ask, const AnswerPart& part, Json chunk,
                 EventStream& events, std::vector<std::size_t>& offsets) {
  if (part.kind == AnswerPart::Kind::reading) {
    if (!ask.told.progress) return true;
    chunk["prompt_progress"] = progress_json(part.progress);
    return events.send(chunk);
  }
  const bool end = part.kind == AnswerPart::Kind::end;
  if (end && part.result.error) return events.send_text(error_event("/v1/", api_error(part.result.error)));
  Json choice = {
      {"index", part.index}, {"text", part.text}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
  if (end) choice["finish_reason"] = finish_reason(part.result);
  if (!part.steps.empty()) choice["logprobs"] = steps_json(service, part.steps, offsets[part.index]);
  chunk["choices"].push_back(choice);
  if (end) chunk["timings"] = timings_json(part.result);
  return events.send(chunk);
}

HttpReply stream_reply(Service& service, const Call& call, const CompletionAsk& ask) {
  const auto run = std::make_shared<TextRun>(service, ask.prompts, ask.how, call.note);
  return event_reply([&service, run, ask, request = call.request, id = new_id("cmpl-")](EventStream& events) {
    std::vector<std::size_t> offsets(run->answers().size());
    const Json empty = reply_json(service, id, Json::array());
    const auto take = [&](const AnswerPart& part) {
      return stream_part(service, ask, part, empty, events, offsets);
    };
    if (!run->follow(request, take, [&] { return events.keep_alive(); })) return;
    if (ask.told.usage) {
      Json chunk = empty;
      chunk["usage"] = usage_json(usage_of(ask, run->answers()));
      events.send(chunk);
    }
    events.send_text("data: [DONE]\n\n");
  });
}

}  // namespace

HttpReply openai_completions(Service& service, const Call& call) {
  const CompletionAsk ask = read_ask(service, parse_request(call.request.body));
  if (ask.told.stream) return stream_reply(service, call, ask);
  TextRun run(service, ask.prompts, ask.how, call.note);
  if (!run.gather(call.request)) return client_left();
  Json choices = Json::array();
  for (std::size_t i = 0; i < run.answers().size(); ++i) {
    const TextSoFar& answer = run.answers()[i];
    std::size_t offset = 0;
    Json choice = {{"index", i},
                   {"text", answer.text},
                   {"logprobs", nullptr},
                   {"finish_reason", finish_reason(answer.result)}};
    if (ask.how.top_log_probabilities >= 0) choice["logprobs"] = steps_json(service, answer.steps, offset);
    choices.push_back(std::move(choice));
  }
  Json reply = reply_json(service, new_id("cmpl-"), std::move(choices));
  reply["usage"] = usage_json(usage_of(ask, run.answers()));
  reply["timings"] = timings_json(run.answers()[0].result);
  return json_reply(reply);
}

}  // namespace longhand::cli
