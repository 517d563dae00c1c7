/* Functions that a model may call. Included by longhand_c.h.
 *
 *   lh_tools* tools;
 *   lh_tools_new(chat, (lh_tool_offer){.tools = lh_string(json)}, &tools, &error);
 *   lh_tools_encode(tools, conversation, NULL, &prompt, &opens, &error);
 *   lh_tools_sampler(tools, model, NULL, opens, &sampler, &error);
 *   lh_answer_new(tools, (lh_tokens){prompt.data, prompt.size}, opens, &answer, &error);
 *   ... lh_generate() with the tokens of lh_tools_written_out(), whose text goes to lh_answer_push() ...
 *   lh_answer_finish(answer, on_event, user, &error);
 *
 * A conversation goes on with the assistant's message, its calls in lh_render_options.tool_calls, and a
 * message of role "tool" for each, its identity in lh_render_options.tool_call_ids.
 *
 * An lh_tools may be used by many threads at once, an lh_answer by one at a time.
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_TOOLS_H
#define LONGHAND_ENGINE_LONGHAND_C_TOOLS_H

#include "engine/longhand_c.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_tools lh_tools;   /* functions, in the form of calls that a chat template asks for */
typedef struct lh_answer lh_answer; /* an answer that is taken apart while it streams in */

typedef enum lh_tool_choice {
  LH_TOOLS_AUTOMATIC = 0, /* the model decides */
  LH_TOOLS_NONE = 1,      /* no calls, and the model is not told of any */
  LH_TOOLS_REQUIRED = 2   /* the answer is a call */
} lh_tool_choice;

typedef struct lh_tool_offer {
  lh_text tools; /* a JSON array of {"type": "function", "function": {"name", "description", "parameters"}} */
  lh_tool_choice choice;
  const char* name; /* the one function that may be called; NULL: all */
  int32_t one_call; /* not 0: one call in an answer at most */
  /* A JSON schema that answers which are no calls satisfy, also where there are no tools; empty: any text. */
  lh_text answer_schema;
} lh_tool_offer;

/* LH_E_TYPE: no such JSON; LH_E_RANGE: names; LH_E_GRAMMAR: a schema that nothing satisfies. */
LH_API lh_status lh_tools_new(const lh_chat* chat, lh_tool_offer offer, lh_tools** tools, lh_error* error);
LH_API void lh_tools_free(lh_tools* tools);
/* The form of calls, "hermes" and the like; "": there are no calls. */
LH_API const char* lh_tools_form(const lh_tools* tools);
/* What the grammar does not hold arguments to; NULL behind the last. */
LH_API const char* lh_tools_note(const lh_tools* tools, size_t index);

/* The conversation with the tools, as lh_chat_encode(). `opens_reasoning`, if not NULL: not 0 where the
 * answer begins inside the model's reasoning. */
LH_API lh_status lh_tools_encode(const lh_tools* tools, lh_conversation conversation,
                                 const lh_render_options* options, lh_token_buffer* out,
                                 int32_t* opens_reasoning, lh_error* error);
/* Control tokens that have to be written out in the text of an answer. */
LH_API lh_status lh_tools_written_out(const lh_tools* tools, lh_token_buffer* out, lh_error* error);
/* A sampler for one answer, under which no call is malformed and no argument violates its schema. A grammar
 * of the options is replaced. */
LH_API lh_status lh_tools_sampler(const lh_tools* tools, const lh_model* model,
                                  const lh_sampler_options* options, int32_t opens_reasoning,
                                  lh_sampler** sampler, lh_error* error);

typedef enum lh_answer_kind {
  LH_ANSWER_REASONING = 0,
  LH_ANSWER_CONTENT = 1,
  LH_ANSWER_CALL_BEGIN = 2,
  LH_ANSWER_CALL_ARGUMENTS = 3,
  LH_ANSWER_CALL_END = 4
} lh_answer_kind;

/* A part of an answer; valid during the callback. */
typedef struct lh_answer_event {
  lh_answer_kind kind;
  lh_text text;   /* reasoning, content, or more of the arguments' JSON */
  size_t call;    /* the number of the call */
  const char* id; /* of CALL_BEGIN, else "" */
  const char* name;
  int32_t whole; /* of CALL_END: not 0 where the call is complete and its arguments are a JSON object */
} lh_answer_event;
/* Returns 0 to go on; anything else drops what is left of this call of the library. */
typedef int (*lh_on_answer)(void* user, const lh_answer_event* event);

typedef struct lh_tool_call {
  const char* id;
  const char* name;
  lh_text arguments; /* JSON */
  int32_t whole;
} lh_tool_call;

/* `prompt`: what lh_tools_encode() gave. */
LH_API lh_status lh_answer_new(const lh_tools* tools, lh_tokens prompt, int32_t opens_reasoning,
                               lh_answer** answer, lh_error* error);
LH_API void lh_answer_free(lh_answer* answer);
/* What `text` adds. `on_event` may be NULL. */
LH_API lh_status lh_answer_push(lh_answer* answer, lh_text text, lh_on_answer on_event, void* user,
                                lh_error* error);
/* The answer has ended. */
LH_API lh_status lh_answer_finish(lh_answer* answer, lh_on_answer on_event, void* user, lh_error* error);
/* All there has been so far; valid until the next call with this answer. */
LH_API lh_text lh_answer_content(const lh_answer* answer);
LH_API lh_text lh_answer_reasoning(const lh_answer* answer);
LH_API size_t lh_answer_call_count(const lh_answer* answer);
/* LH_E_RANGE: there is no such call. */
LH_API lh_status lh_answer_call(const lh_answer* answer, size_t number, lh_tool_call* call, lh_error* error);
/* Calls as lh_render_options.tool_calls wants them, those that are whole; "" where there are none. */
LH_API lh_status lh_answer_tool_calls(const lh_answer* answer, lh_text_buffer* out, lh_error* error);

#ifdef __cplusplus
}
#endif

#endif
