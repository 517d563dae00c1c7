// The C interface: conversations through a model's chat template.
#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/messages.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

ChatOptions longhand::c_api::chat_options(const lh_render_options& from) {
  ChatOptions to;
  to.add_generation_prompt = from.answer != 0;
  if (from.thinking >= 0) to.thinking = from.thinking > 0;
  to.reasoning_effort = string_or_empty(from.reasoning_effort);
  to.tools = string_or_empty(from.tools);
  to.variables = string_or_empty(from.variables);
  return to;
}

std::vector<ChatMessage> longhand::c_api::messages_of(const lh_conversation& conversation,
                                                      const lh_render_options& options) {
  std::vector<ChatMessage> messages;
  for (const lh_message& m : elements(conversation.messages, conversation.count, "conversation.messages")) {
    const std::size_t number = messages.size();
    messages.push_back({&need(m.role, "role"), std::string(text_of(m.content, "content.data")),
                        std::string(text_of(m.reasoning, "reasoning.data"))});
    if (options.tool_calls != nullptr)
      messages.back().tool_calls = text_of(options.tool_calls[number], "tool_calls");
    if (options.tool_call_ids != nullptr)
      messages.back().tool_call_id = text_of(options.tool_call_ids[number], "tool_call_ids");
  }
  return messages;
}

lh_status lh_chat_new(const lh_model* model, const lh_chat_options* options, lh_chat** chat,
                      lh_error* error) {
  return guarded(error, [&] {
    lh_chat*& place = place_for(chat, "chat");
    const Model& m = need(model, "model").model;
    const ChatTemplate written(m, c_api::to_cpp(read_options(options, "chat options")));
    place = new lh_chat{written, written.warnings()};
  });
}

void lh_chat_free(lh_chat* chat) { delete chat; }

int lh_chat_is_fallback(const lh_chat* chat) {
  return chat != nullptr && chat->written.is_fallback() ? 1 : 0;
}
int lh_chat_accepts_system(const lh_chat* chat) {
  return chat != nullptr && chat->written.accepts_system() ? 1 : 0;
}
int lh_chat_reasons(const lh_chat* chat) { return chat != nullptr && chat->written.reasons() ? 1 : 0; }
const char* lh_chat_warning(const lh_chat* chat, size_t index) {
  return chat != nullptr && index < chat->warnings.size() ? chat->warnings[index].c_str() : nullptr;
}

lh_status lh_chat_encode(const lh_chat* chat, lh_conversation conversation, const lh_render_options* options,
                         lh_token_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const lh_chat& c = need(chat, "chat");
    const lh_render_options given = read_options(options, "render options");
    const auto messages = messages_of(conversation, given);
    write_buffer(need(out, "out"), c.written.encode(messages, chat_options(given)));
  });
}

lh_status lh_chat_render(const lh_chat* chat, lh_conversation conversation, const lh_render_options* options,
                         lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const lh_chat& c = need(chat, "chat");
    const lh_render_options given = read_options(options, "render options");
    const auto messages = messages_of(conversation, given);
    write_buffer(need(out, "out"), c.written.render(messages, chat_options(given)));
  });
}

lh_status lh_chat_reasoning_tokens(const lh_chat* chat, lh_token_buffer* out, lh_error* error) {
  return guarded(error,
                 [&] { write_buffer(need(out, "out"), need(chat, "chat").written.reasoning_tokens()); });
}
