// The C interface: conversations through a model's chat template.
#include "engine/api/longhand_c_guard.h"
#include "engine/api/longhand_c_handles.h"
#include "engine/api/longhand_c_options.h"
#include "engine/chat/chat_format.h"
#include "engine/chat/jinja/functions/clock.h"
#include "engine/forward/model.h"

using namespace longhand;
using namespace longhand::c_api;

struct lh_chat {
  Model model;  // keeps the tokenizer alive
  ChatFormat format;
  PromptEncoder encoder;
};

namespace {

ChatSource source_of(const Model& model, const lh_chat_options& options) {
  ChatSource source = chat_source(model.data().tokenizer.vocab());
  if (options.template_text != nullptr) source.template_text = options.template_text;
  if (options.now != nullptr) source.now = jinja::parse_iso8601(options.now);
  return source;
}

std::vector<PromptPiece> render(const lh_chat& chat, const lh_conversation& conversation,
                                const lh_render_options* options) {
  const lh_render_options given = read_options(options, "render options");
  ChatOptions to;
  to.add_generation_prompt = given.answer != 0;
  if (given.thinking >= 0) to.thinking = given.thinking > 0;
  to.reasoning_effort = string_or_empty(given.reasoning_effort);
  std::vector<ChatMessage> messages;
  for (const lh_message& m : elements(conversation.messages, conversation.count, "conversation.messages")) {
    messages.push_back({&need(m.role, "role"), std::string(text_of(m.content, "content.data")),
                        std::string(text_of(m.reasoning, "reasoning.data"))});
  }
  return chat.format.render(messages, to);
}

}  // namespace

lh_status lh_chat_new(const lh_model* model, const lh_chat_options* options, lh_chat** chat,
                      lh_error* error) {
  return guarded(error, [&] {
    lh_chat*& place = place_for(chat, "chat");
    const Model& m = need(model, "model").model;
    const lh_chat_options given = read_options(options, "chat options");
    place = new lh_chat{m, ChatFormat(source_of(m, given)), PromptEncoder(m.data().tokenizer)};
  });
}

void lh_chat_free(lh_chat* chat) { delete chat; }

int lh_chat_is_fallback(const lh_chat* chat) { return chat != nullptr && chat->format.is_fallback() ? 1 : 0; }

lh_status lh_chat_encode(const lh_chat* chat, lh_conversation conversation, const lh_render_options* options,
                         lh_token_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const lh_chat& c = need(chat, "chat");
    write_buffer(need(out, "out"), c.encoder.encode(render(c, conversation, options)));
  });
}

lh_status lh_chat_render(const lh_chat* chat, lh_conversation conversation, const lh_render_options* options,
                         lh_text_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const lh_chat& c = need(chat, "chat");
    write_buffer(need(out, "out"), prompt_text(render(c, conversation, options)));
  });
}

lh_status lh_chat_reasoning_tokens(const lh_chat* chat, lh_token_buffer* out, lh_error* error) {
  return guarded(error, [&] {
    const lh_chat& c = need(chat, "chat");
    write_buffer(need(out, "out"), marker_tokens(c.format.reasoning(), c.model.data().tokenizer));
  });
}
