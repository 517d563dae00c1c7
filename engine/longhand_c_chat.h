/* Conversations through a model's chat template. Included by longhand_c.h. */
#ifndef LONGHAND_ENGINE_LONGHAND_C_CHAT_H
#define LONGHAND_ENGINE_LONGHAND_C_CHAT_H

#include "engine/longhand_c_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_message {
  const char* role;  /* "system", "user", "assistant", or what the template knows */
  lh_text content;   /* control tokens written out in it stay text */
  lh_text reasoning; /* of an assistant, without markers; may be empty */
} lh_message;

typedef struct lh_chat_options {
  size_t size;
  const char* template_text; /* [NULL] Jinja; NULL: the model's own */
  const char* now;           /* [NULL] for templates that write the date, as 2026-07-01T12:00:00 */
} lh_chat_options;

typedef struct lh_render_options {
  size_t size;
  int32_t answer;               /* [1] not 0: ends where the assistant is to write */
  int32_t thinking;             /* [-1] 1 on, 0 off, negative: as the template likes */
  const char* reasoning_effort; /* [NULL] "low", "medium", "high" for models that know it */
  const char* tools;            /* [NULL] a JSON array of what may be called */
  const char* variables;        /* [NULL] a JSON object: more variables for the template */
  const lh_text* tool_calls;    /* [NULL] of each message, of an assistant: a JSON array as OpenAI has it;
                                   empty: none */
  const lh_text* tool_call_ids; /* [NULL] of each message, of role "tool": the call it is the result of */
} lh_render_options;

/* A template that is absent or broken is replaced by ChatML. LH_E_RANGE: `now` is no time. */
LH_API lh_status lh_chat_new(const lh_model* model, const lh_chat_options* options, lh_chat** chat,
                             lh_error* error);
LH_API void lh_chat_free(lh_chat* chat);
/* Not 0: the template could not be used, ChatML took its place. */
LH_API int lh_chat_is_fallback(const lh_chat* chat);

typedef struct lh_conversation {
  const lh_message* messages;
  size_t count;
} lh_conversation;

/* The conversation as the model wants it, ready for lh_feed() into an empty session. Control tokens come from
 * the template only. LH_E_TEMPLATE: it refuses this conversation; LH_E_TYPE: an option's JSON is none. */
LH_API lh_status lh_chat_encode(const lh_chat* chat, lh_conversation conversation,
                                const lh_render_options* options, lh_token_buffer* out, lh_error* error);
/* The same as text, to look at. Do not encode it: that would trust what users wrote. */
LH_API lh_status lh_chat_render(const lh_chat* chat, lh_conversation conversation,
                                const lh_render_options* options, lh_text_buffer* out, lh_error* error);

/* Not 0: system text has a place of its own; else it becomes the beginning of the first user message. */
LH_API int lh_chat_accepts_system(const lh_chat* chat);
/* Not 0: the template marks reasoning that comes before an answer. */
LH_API int lh_chat_reasons(const lh_chat* chat);
/* What is worth telling a user once; NULL behind the last. */
LH_API const char* lh_chat_warning(const lh_chat* chat, size_t index);

/* The control tokens a model marks its reasoning with; given as `written_out`, they show where it begins and
 * ends. */
LH_API lh_status lh_chat_reasoning_tokens(const lh_chat* chat, lh_token_buffer* out, lh_error* error);

#ifdef __cplusplus
}
#endif

#endif
