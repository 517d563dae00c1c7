// POST /api/chat
#include "cli/serve/api/api_error.h"
#include "cli/serve/api/chat_fields.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/ollama_shapes.h"
#include "cli/serve/api/openai_shapes.h"

namespace longhand::cli {
namespace {

ChatAsk read_ask(const Service& service, const Fields& fields) {
  ChatAsk ask;
  read_ollama_options(service, fields, ask);
  const Json* given = fields.array("messages");
  for (std::size_t i = 0; given != nullptr && i < given->size(); ++i) {
    const Fields message = item_of(*given, i, "messages");
    if (const Json* images = message.array("images"); images != nullptr && !images->empty())
      message.refuse("images", "empty: this model reads no images");
  }
  ask.messages = read_messages(fields);
  for (std::size_t i = 0; i < ask.messages.size(); ++i) {
    const Fields message = item_of(*given, i, "messages");
    if (ask.messages[i].reasoning.empty()) ask.messages[i].reasoning = message.text("thinking", "");
    if (ask.messages[i].name.empty()) ask.messages[i].name = message.text("tool_name", "");
  }
  read_tools(fields, ask);
  return ask;
}

Json call_json(const ToolCall& call) {
  return {{"function", {{"name", call.name}, {"arguments", Json::parse(call.arguments)}}}};
}

Json message_json(const std::string& content) { return {{"role", "assistant"}, {"content", content}}; }

class LineWriter : public ChatWriter {
 public:
  LineWriter(Service& service, const ChatRun& run, const HttpSink& sink)
      : service_(service), run_(run), sink_(sink) {}

  bool part(std::size_t, const AnswerEvent& event, const std::vector<TokenStep>&) override {
    using Kind = AnswerEvent::Kind;
    Json message = message_json(event.kind == Kind::content ? event.text : "");
    if (event.kind == Kind::reasoning) message["thinking"] = event.text;
    if (event.kind == Kind::call_end) {
      if (!event.whole) return true;
      message["tool_calls"] = Json::array({call_json(run_.answers()[0].parser.calls()[event.call])});
    } else if (event.text.empty() || event.kind == Kind::call_arguments) {
      return true;  // calls come as a whole
    }
    Json line = ollama_begin(service_);
    line["message"] = std::move(message);
    line["done"] = false;
    return sink_(dump(line) + "\n");
  }

  bool end(std::size_t, const ChatAnswerSoFar& answer) override {
    if (answer.result.error) return sink_(error_body("/api/chat", api_error(answer.result.error)) + "\n");
    Json line = ollama_begin(service_);
    line["message"] = message_json("");
    end_reply(line, answer.result);
    return sink_(dump(line) + "\n");
  }

 private:
  Service& service_;
  const ChatRun& run_;
  const HttpSink& sink_;
};

}  // namespace

HttpReply ollama_chat(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const bool stream = fields.flag("stream", true);
  const auto run = std::make_shared<ChatRun>(service, read_ask(service, fields), call.note);
  if (stream) {
    return line_reply([&service, run, request = call.request](const HttpSink& sink) {
      LineWriter writer(service, *run, sink);
      run->follow(request, writer);
    });
  }
  if (!run->gather(call.request)) return client_left();
  const ChatAnswerSoFar& answer = run->answers()[0];
  Json message = message_json(answer.parser.content());
  if (!answer.parser.reasoning().empty()) message["thinking"] = answer.parser.reasoning();
  for (const ToolCall& tool_call : whole_calls(answer.parser))
    message["tool_calls"].push_back(call_json(tool_call));
  Json reply = ollama_begin(service);
  reply["message"] = std::move(message);
  end_reply(reply, answer.result);
  return json_reply(reply);
}

}  // namespace longhand::cli
