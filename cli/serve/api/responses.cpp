// POST /v1/responses
#include "cli/serve/api/responses.h"

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

Json usage_json(const RequestResult& result, int reasoning) {
  return {{"input_tokens", result.prompt_tokens},
          {"input_tokens_details", {{"cached_tokens", result.cached_tokens}}},
          {"output_tokens", result.written_tokens},
          {"output_tokens_details", {{"reasoning_tokens", reasoning}}},
          {"total_tokens", result.prompt_tokens + result.written_tokens}};
}

Json text_part(const std::string& text) {
  return {
      {"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}

Json message_item(const std::string& id, const char* status, Json content) {
  return {{"id", id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

Json reasoning_item(const std::string& id, const std::string& text) {
  Json content = Json::array();
  if (!text.empty()) content.push_back({{"type", "reasoning_text"}, {"text", text}});
  return {{"id", id},
          {"type", "reasoning"},
          {"summary", Json::array()},
          {"content", content},
          {"encrypted_content", nullptr}};
}

Json call_item(const std::string& id, const ToolCall& call, const char* status) {
  return {{"id", id},           {"type", "function_call"}, {"status", status},
          {"call_id", call.id}, {"name", call.name},       {"arguments", call.arguments}};
}

bool was_cut(const ChatAnswerSoFar& answer) { return std::string_view(finish_reason(answer)) == "length"; }

// A response while it is made, and what its items were called.
class Response {
 public:
  explicit Response(const Service& service) : service_(service) {}

  Json json(const char* status, Json output) const {
    return {{"id", id_},
            {"object", "response"},
            {"created_at", created_},
            {"status", status},
            {"error", nullptr},
            {"incomplete_details", nullptr},
            {"model", service_.name()},
            {"output", std::move(output)},
            {"parallel_tool_calls", true},
            {"store", false},
            {"usage", nullptr}};
  }

  Json finished(const ChatAnswerSoFar& answer, Json output) const {
    const bool cut = was_cut(answer);
    Json response = json(cut ? "incomplete" : "completed", std::move(output));
    if (cut) response["incomplete_details"] = {{"reason", "max_output_tokens"}};
    response["usage"] = usage_json(answer.result, answer.reasoning_tokens);
    return response;
  }

 private:
  const Service& service_;
  const std::string id_ = new_id("resp_");
  const long long created_ = now_seconds();
};

Json output_of(const AnswerParser& said) {
  Json output = Json::array();
  if (!said.reasoning().empty()) output.push_back(reasoning_item(new_id("rs_"), said.reasoning()));
  if (!said.content().empty())
    output.push_back(message_item(new_id("msg_"), "completed", Json::array({text_part(said.content())})));
  for (const ToolCall& call : said.calls())
    output.push_back(call_item(new_id("fc_"), call, call.whole ? "completed" : "incomplete"));
  return output;
}

// The events of a streamed reply: items, one after the other, each with its beginning and its end.
class ResponseWriter : public ChatWriter {
 public:
  ResponseWriter(Service& service, EventStream& events) : response_(service), events_(events) {}

  bool begin() {
    return send("response.created", {{"response", response_.json("in_progress", Json::array())}}) &&
           send("response.in_progress", {{"response", response_.json("in_progress", Json::array())}});
  }

  bool part(std::size_t, const AnswerEvent& event, const std::vector<TokenStep>&) override {
    using Kind = AnswerEvent::Kind;
    if (event.kind == Kind::call_end) return close_item(event.whole ? "completed" : "incomplete");
    if (event.kind == Kind::call_begin) {
      close_item();
      call_ = {.id = event.id, .name = event.name};
      return open_item(Item::call, "fc_");
    }
    if (event.text.empty()) return true;
    const Item item = event.kind == Kind::reasoning ? Item::reasoning
                      : event.kind == Kind::content ? Item::message
                                                    : Item::call;
    if (item_ != item) {
      close_item();
      open_item(item, item == Item::reasoning ? "rs_" : "msg_");
    }
    text_ += event.text;
    const char* type = item == Item::reasoning ? "response.reasoning_text.delta"
                       : item == Item::message ? "response.output_text.delta"
                                               : "response.function_call_arguments.delta";
    return send(type, placed({{"delta", event.text}}));
  }

  bool end(std::size_t, const ChatAnswerSoFar& answer) override {
    close_item();
    if (answer.result.error) {
      Json failed = response_.json("failed", output_);
      failed["error"] = {{"code", "server_error"}, {"message", api_error(answer.result.error).what()}};
      return send("response.failed", {{"response", failed}});
    }
    return send(was_cut(answer) ? "response.incomplete" : "response.completed",
                {{"response", response_.finished(answer, output_)}});
  }

  bool quiet() override { return events_.keep_alive(); }

 private:
  enum class Item { none, reasoning, message, call };

  bool send(const char* type, Json more) {
    Json data = {{"type", type}, {"sequence_number", number_++}};
    data.update(more);
    return events_.send(type, data);
  }
  // Where in the response something happens.
  Json placed(Json data) const {
    data["item_id"] = id_;
    data["output_index"] = output_.size();
    if (item_ != Item::call) data["content_index"] = 0;
    return data;
  }
  Json item_json(const char* status) const {
    const bool done = std::string_view(status) != "in_progress";
    if (item_ == Item::reasoning) return reasoning_item(id_, text_);
    if (item_ == Item::message)
      return message_item(id_, status, done ? Json::array({text_part(text_)}) : Json::array());
    ToolCall call = call_;
    call.arguments = text_;
    return call_item(id_, call, status);
  }
  bool open_item(Item item, const char* prefix) {
    item_ = item;
    id_ = new_id(prefix);
    text_.clear();
    send("response.output_item.added",
         {{"output_index", output_.size()}, {"item", item_json("in_progress")}});
    if (item != Item::message) return events_.open();
    return send("response.content_part.added", placed({{"part", text_part("")}}));
  }
  bool close_item(const char* status = "completed") {
    if (item_ == Item::none) return events_.open();
    if (item_ == Item::reasoning) send("response.reasoning_text.done", placed({{"text", text_}}));
    if (item_ == Item::call) send("response.function_call_arguments.done", placed({{"arguments", text_}}));
    if (item_ == Item::message) {
      send("response.output_text.done", placed({{"text", text_}, {"logprobs", Json::array()}}));
      send("response.content_part.done", placed({{"part", text_part(text_)}}));
    }
    const Json item = item_json(status);
    const bool open = send("response.output_item.done", {{"output_index", output_.size()}, {"item", item}});
    output_.push_back(item);
    item_ = Item::none;
    return open;
  }

  Response response_;
  EventStream& events_;
  Json output_ = Json::array();
  Item item_ = Item::none;
  std::string id_, text_;
  ToolCall call_;
  int number_ = 0;
};

}  // namespace

HttpReply openai_responses(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const bool stream = fields.flag("stream", false);
  const auto run = std::make_shared<ChatRun>(service, read_response_ask(service, fields), call.note);
  if (stream) {
    return event_reply([&service, run, request = call.request](EventStream& events) {
      ResponseWriter writer(service, events);
      if (writer.begin()) run->follow(request, writer);
    });
  }
  if (!run->gather(call.request)) return client_left();
  const ChatAnswerSoFar& answer = run->answers()[0];
  return json_reply(Response(service).finished(answer, output_of(answer.parser)));
}

}  // namespace longhand::cli
