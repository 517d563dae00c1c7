// POST /v1/messages and /v1/messages/count_tokens
#include "cli/serve/api/anthropic_ask.h"
#include "cli/serve/api/api_error.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

const char* stop_reason(const ChatAnswerSoFar& answer) {
  if (answer.result.reason == StopReason::stop_string) return "stop_sequence";
  const std::string_view reason = finish_reason(answer);
  return reason == "length" ? "max_tokens" : reason == "tool_calls" ? "tool_use" : "end_turn";
}

Json stop_sequence(const ChatAnswerSoFar& answer) {
  return answer.result.stop.empty() ? Json() : Json(answer.result.stop);
}

Json usage_json(int prompt, int cached, int written) {
  return {{"input_tokens", prompt - cached},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", cached},
          {"output_tokens", written}};
}

Json message_json(const Service& service, Json content, Json usage) {
  return {{"id", new_id("msg_")},     {"type", "message"},  {"role", "assistant"},
          {"model", service.name()},  {"content", content}, {"stop_reason", nullptr},
          {"stop_sequence", nullptr}, {"usage", usage}};
}

Json content_json(const AnswerParser& said) {
  Json content = Json::array();
  if (!said.reasoning().empty())
    content.push_back({{"type", "thinking"}, {"thinking", said.reasoning()}, {"signature", ""}});
  if (!said.content().empty()) content.push_back({{"type", "text"}, {"text", said.content()}});
  for (const ToolCall& call : whole_calls(said)) {
    content.push_back(
        {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", Json::parse(call.arguments)}});
  }
  return content;
}

// The events of a streamed reply: blocks of content, one after the other.
class EventWriter : public ChatWriter {
 public:
  EventWriter(Service& service, EventStream& events) : service_(service), events_(events) {}

  bool reading(const ReadingProgress& progress) override {
    if (std::exchange(begun_, true)) return true;
    const Json usage = usage_json(progress.total, progress.cached, 0);
    return send("message_start", {{"message", message_json(service_, Json::array(), usage)}}) &&
           send("ping", Json::object());
  }

  bool part(std::size_t, const AnswerEvent& event, const std::vector<TokenStep>&) override {
    using Kind = AnswerEvent::Kind;
    if (event.kind == Kind::call_end) return close_block();
    if (event.kind == Kind::call_begin)
      return open_block(
          "tool_use",
          {{"type", "tool_use"}, {"id", event.id}, {"name", event.name}, {"input", Json::object()}});
    if (event.text.empty()) return true;
    if (event.kind == Kind::call_arguments)
      return delta({{"type", "input_json_delta"}, {"partial_json", event.text}});
    if (event.kind == Kind::reasoning) {
      if (open_ != "thinking" &&
          !open_block("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}))
        return false;
      return delta({{"type", "thinking_delta"}, {"thinking", event.text}});
    }
    if (open_ != "text" && !open_block("text", {{"type", "text"}, {"text", ""}})) return false;
    return delta({{"type", "text_delta"}, {"text", event.text}});
  }

  bool end(std::size_t, const ChatAnswerSoFar& answer) override {
    if (answer.result.error)
      return events_.send_text(error_event("/v1/messages", api_error(answer.result.error)));
    close_block();
    const RequestResult& result = answer.result;
    send("message_delta",
         {{"delta", {{"stop_reason", stop_reason(answer)}, {"stop_sequence", stop_sequence(answer)}}},
          {"usage", usage_json(result.prompt_tokens, result.cached_tokens, result.written_tokens)}});
    return send("message_stop", Json::object());
  }

  bool quiet() override { return send("ping", Json::object()); }

 private:
  bool send(const char* type, const Json& more) {
    Json data = {{"type", type}};
    data.update(more);
    return events_.send(type, data);
  }
  bool open_block(const char* kind, const Json& block) {
    close_block();
    open_ = kind;
    return send("content_block_start", {{"index", block_}, {"content_block", block}});
  }
  bool close_block() {
    if (open_.empty()) return events_.open();
    if (open_ == "thinking") delta({{"type", "signature_delta"}, {"signature", ""}});
    open_.clear();
    return send("content_block_stop", {{"index", block_++}});
  }
  bool delta(const Json& delta) { return send("content_block_delta", {{"index", block_}, {"delta", delta}}); }

  Service& service_;
  EventStream& events_;
  std::string open_;  // the kind of the block under way
  int block_ = 0;
  bool begun_ = false;
};

}  // namespace

HttpReply anthropic_messages(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const bool stream = fields.flag("stream", false);
  const auto run = std::make_shared<ChatRun>(service, read_anthropic_ask(service, fields), call.note);
  if (stream) {
    return event_reply([&service, run, request = call.request](EventStream& events) {
      EventWriter writer(service, events);
      run->follow(request, writer);
    });
  }
  if (!run->gather(call.request)) return client_left();
  const ChatAnswerSoFar& answer = run->answers()[0];
  const RequestResult& result = answer.result;
  Json reply = message_json(service, content_json(answer.parser),
                            usage_json(result.prompt_tokens, result.cached_tokens, result.written_tokens));
  reply["stop_reason"] = stop_reason(answer);
  reply["stop_sequence"] = stop_sequence(answer);
  return json_reply(reply);
}

HttpReply anthropic_count(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const ChatAsk ask = read_anthropic_conversation(service, Fields(json));
  const ToolSet tools(service.written(), ask.tools, ask.tool_options);
  return json_reply({{"input_tokens", tools.prompt(ask.messages, ask.chat).tokens.size()}});
}

}  // namespace longhand::cli
