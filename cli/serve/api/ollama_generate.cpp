// POST /api/generate
#include "cli/serve/api/api_error.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/ollama_shapes.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/text_run.h"

namespace longhand::cli {
namespace {

// A prompt is a user's message unless it is raw, or is to be filled in.
std::vector<Token> read_prompt(Service& service, const Fields& fields, const ChatAsk& ask) {
  const std::string prompt = fields.text("prompt", "");
  if (const auto suffix = fields.text("suffix"); suffix && !suffix->empty())
    return infill_prompt(service, prompt, *suffix);
  if (fields.flag("raw", false)) return service.model().encode(prompt, true, true);
  std::vector<ChatMessage> messages;
  if (const std::string system = fields.text("system", ""); !system.empty())
    messages.push_back({.role = "system", .content = system});
  messages.push_back({.role = "user", .content = prompt});
  return service.written().encode(messages, ask.chat);
}

bool write_line(const Service& service, const AnswerPart& part, const HttpSink& sink) {
  if (part.kind == AnswerPart::Kind::reading) return true;
  const bool end = part.kind == AnswerPart::Kind::end;
  if (end && part.result.error) return sink(error_body("/api/generate", api_error(part.result.error)) + "\n");
  Json line = ollama_begin(service);
  line["response"] = part.text;
  line["done"] = false;
  if (end) end_reply(line, part.result);
  return sink(dump(line) + "\n");
}

}  // namespace

HttpReply ollama_generate(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  ChatAsk ask;
  read_ollama_options(service, fields, ask);
  Json reply = ollama_begin(service);
  if (fields.text("prompt", "").empty() && !fields.has("suffix")) {
    // What clients ask so that a model is loaded.
    reply.update({{"response", ""}, {"done", true}, {"done_reason", "load"}});
    return json_reply(reply);
  }
  if (!ask.tool_options.answer_schema.empty()) {
    ask.sampler.grammar = json_schema_to_gbnf(ask.tool_options.answer_schema);
    ask.chat.thinking = false;  // which nothing would part from the answer here
  }
  const std::vector<std::vector<Token>> prompts = {read_prompt(service, fields, ask)};
  const auto run = std::make_shared<TextRun>(service, prompts, ask, call.note);
  if (fields.flag("stream", true)) {
    return line_reply([&service, run, request = call.request](const HttpSink& sink) {
      run->follow(request, [&](const AnswerPart& part) { return write_line(service, part, sink); });
    });
  }
  if (!run->gather(call.request)) return client_left();
  reply["response"] = run->answers()[0].text;
  end_reply(reply, run->answers()[0].result);
  return json_reply(reply);
}

}  // namespace longhand::cli
