// POST /tokenize, /detokenize and /apply-template
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/event_stream.h"
#include "cli/serve/text_run.h"

namespace longhand::cli {

HttpReply tokenize(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const Model& model = service.model();
  const std::vector<Token> tokens = model.encode(
      fields.needed_text("content"), fields.flag("add_special", false), fields.flag("parse_special", true));
  if (!fields.flag("with_pieces", false)) return json_reply({{"tokens", tokens}});
  Json pieces = Json::array();
  for (const Token token : tokens) pieces.push_back({{"id", token}, {"piece", service.text_of(token)}});
  return json_reply({{"tokens", std::move(pieces)}});
}

HttpReply detokenize(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const Json* given = fields.array("tokens");
  if (given == nullptr || given->empty()) return json_reply({{"content", ""}});
  if (!given->front().is_number()) fields.refuse("tokens", "token ids");
  const std::vector<Token> tokens = read_prompts(service, fields, "tokens").front();
  return json_reply({{"content", service.model().decode(tokens, true)}});
}

HttpReply apply_template(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const ChatAsk ask = read_chat(service, Fields(json));
  const ToolSet tools(service.written(), ask.tools, ask.tool_options);
  return json_reply({{"prompt", tools.render(ask.messages, ask.chat)}});
}

}  // namespace longhand::cli
