// POST /tokenize, /detokenize and /apply-template
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/event_stream.h"
#include "cli/serve/text_run.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kMostPieceBytes = 1 << 20;

}  // namespace

HttpReply tokenize(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const Model& model = service.model();
  const std::string content = fields.needed_text("content");
  const bool with_pieces = fields.flag("with_pieces", false);
  // The reply is many times as long as the text.
  if (with_pieces && content.size() > kMostPieceBytes)
    throw ApiError(
        400,
        fmt::format("content has {} bytes, with_pieces takes {} at most", content.size(), kMostPieceBytes),
        "content");
  const std::vector<Token> tokens =
      model.encode(content, fields.flag("add_special", false), fields.flag("parse_special", true));
  if (!with_pieces) return json_reply({{"tokens", tokens}});
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
