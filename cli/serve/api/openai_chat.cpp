// POST /v1/chat/completions
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/chat_run.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

struct OpenAiAsk {
  ChatAsk chat;
  Telling told;
};

OpenAiAsk read_ask(const Service& service, const Json& json) {
  const Fields fields(json);
  return {read_chat(service, fields), read_telling(fields)};
}

Json call_json(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json choice_json(const Service& service, const ChatAsk& ask, std::size_t index,
                 const ChatAnswerSoFar& answer) {
  const AnswerParser& said = answer.parser;
  Json message = {{"role", "assistant"}, {"content", said.content()}, {"refusal", nullptr}};
  if (!said.reasoning().empty()) message["reasoning_content"] = said.reasoning();
  if (const std::vector<ToolCall> calls = whole_calls(said); !calls.empty()) {
    if (said.content().empty()) message["content"] = nullptr;
    for (const ToolCall& call : calls) message["tool_calls"].push_back(call_json(call));
  }
  Json choice = {{"index", index},
                 {"message", message},
                 {"logprobs", nullptr},
                 {"finish_reason", finish_reason(answer)}};
  if (ask.top_log_probabilities >= 0)
    choice["logprobs"] = {{"content", log_probabilities_json(service, answer.steps)}, {"refusal", nullptr}};
  return choice;
}

// The chunks of a streamed reply.
class ChunkWriter : public ChatWriter {
 public:
  ChunkWriter(Service& service, const OpenAiAsk& ask, EventStream& events)
      : service_(service), ask_(ask), events_(events), begun_(std::size_t(ask.chat.answers)) {}

  bool reading(const ReadingProgress& progress) override {
    if (!ask_.told.progress) return true;
    Json chunk = chunk_of(Json::array());
    chunk["prompt_progress"] = progress_json(progress);
    return events_.send(chunk);
  }

  bool part(std::size_t index, const AnswerEvent& event, const std::vector<TokenStep>& steps) override {
    Json choice = begin(index, delta_of(event));
    if (ask_.chat.top_log_probabilities >= 0 && !steps.empty())
      choice["logprobs"] = {{"content", log_probabilities_json(service_, steps)}, {"refusal", nullptr}};
    return events_.send(chunk_of(Json::array({choice})));
  }

  bool end(std::size_t index, const ChatAnswerSoFar& answer) override {
    if (answer.result.error) return events_.send_text(error_event("/v1/", api_error(answer.result.error)));
    Json choice = begin(index, Json::object());
    choice["finish_reason"] = finish_reason(answer);
    Json chunk = chunk_of(Json::array({choice}));
    chunk["timings"] = timings_json(answer.result);
    return events_.send(chunk);
  }

  bool quiet() override { return events_.keep_alive(); }

  void finish(const ChatUsage& usage) {
    if (ask_.told.usage) {
      Json chunk = chunk_of(Json::array());
      chunk["usage"] = usage_json(usage);
      events_.send(chunk);
    }
    events_.send_text("data: [DONE]\n\n");
  }

 private:
  Json chunk_of(Json choices) const {
    Json chunk = {{"id", id_},
                  {"object", "chat.completion.chunk"},
                  {"created", created_},
                  {"model", service_.name()},
                  {"choices", std::move(choices)}};
    if (ask_.told.usage) chunk["usage"] = nullptr;
    return chunk;
  }

  Json begin(std::size_t index, Json delta) {
    if (!begun_[index]) delta["role"] = "assistant";
    begun_[index] = true;
    return {{"index", index}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
  }

  static Json delta_of(const AnswerEvent& event) {
    using Kind = AnswerEvent::Kind;
    if (event.kind == Kind::content) return {{"content", event.text}};
    if (event.kind == Kind::reasoning) return {{"reasoning_content", event.text}};
    Json call = {{"index", event.call}};
    if (event.kind == Kind::call_begin) {
      call["id"] = event.id;
      call["type"] = "function";
      call["function"] = {{"name", event.name}, {"arguments", ""}};
    } else if (event.kind == Kind::call_arguments) {
      call["function"] = {{"arguments", event.text}};
    } else {
      return Json::object();
    }
    return {{"tool_calls", Json::array({call})}};
  }

  Service& service_;
  const OpenAiAsk& ask_;
  EventStream& events_;
  std::vector<bool> begun_;
  const std::string id_ = new_id("chatcmpl-");
  const long long created_ = now_seconds();
};

HttpReply stream_reply(Service& service, const Call& call, OpenAiAsk ask) {
  const auto run = std::make_shared<ChatRun>(service, ask.chat, call.note);
  return event_reply([&service, run, ask = std::move(ask), request = call.request](EventStream& events) {
    ChunkWriter writer(service, ask, events);
    if (run->follow(request, writer)) writer.finish(usage_of(run->answers()));
  });
}

}  // namespace

HttpReply openai_chat(Service& service, const Call& call) {
  OpenAiAsk ask = read_ask(service, parse_request(call.request.body));
  if (ask.told.stream) return stream_reply(service, call, std::move(ask));
  ChatRun run(service, ask.chat, call.note);
  if (!run.gather(call.request)) return client_left();
  Json reply = {{"id", new_id("chatcmpl-")},
                {"object", "chat.completion"},
                {"created", now_seconds()},
                {"model", service.name()},
                {"choices", Json::array()}};
  for (std::size_t i = 0; i < run.answers().size(); ++i)
    reply["choices"].push_back(choice_json(service, ask.chat, i, run.answers()[i]));
  reply["usage"] = usage_json(usage_of(run.answers()));
  reply["timings"] = timings_json(run.answers()[0].result);
  return json_reply(reply);
}

}  // namespace longhand::cli
