/* Conversations with a session kept in step with them. Included by longhand_c.h.
 *
 *   lh_chat_session* chat;
 *   lh_chat_session_new(model, NULL, NULL, NULL, &chat, &error);
 *   lh_chat_answer answer;
 *   answer.size = sizeof answer;
 *   lh_chat_session_ask(chat, lh_string("What is the capital of Peru?"), NULL, &answer, &error);
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_CHAT_SESSION_H
#define LONGHAND_ENGINE_LONGHAND_C_CHAT_SESSION_H

#include "engine/longhand_c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defaults in brackets. */
typedef struct lh_chat_settings {
  size_t size;
  const char* system;                /* [NULL] none */
  const lh_sampler_options* sampler; /* [NULL] all defaults */
  int32_t max_tokens;                /* [-1] of one answer; negative: no limit */
  const char* const* stop;           /* [NULL] an answer ends before the first of these */
  size_t stop_count;                 /* [0] */
  int32_t thinking;                  /* [-1] as in lh_render_options, like the next two */
  const char* reasoning_effort;      /* [NULL] */
  const char* variables;             /* [NULL] */
  int32_t context_shift;    /* [1] not 0: when turns leave a full context, what the model made of those that
                               stay is moved instead of read again, where lh_cut() can */
  int32_t keep;             /* [0] tokens of the conversation's beginning whose turns stay all the same */
  int32_t reasoning_budget; /* [-1] tokens of reasoning, after which it is closed; negative: no limit; 0: as
                               thinking 0 */
  int32_t reasoning_apart;  /* [1] 0: reasoning and its markers are part of the answer's text */
} lh_chat_settings;

/* What a chat tells while it answers. Callbacks must not use the chat but for getters, and its session but
 * for getters and cancel. */
typedef struct lh_chat_listener {
  size_t size;
  int (*on_text)(void* user, lh_text text, int reasoning); /* whole characters as they come */
  int (*on_prompt)(void* user, lh_text prompt);  /* all the model is given, control tokens written out, before
                                                    it reads what is new of it */
  int (*on_reading)(void* user, int32_t tokens); /* so many are new */
  void* user;
} lh_chat_listener;

typedef struct lh_chat_answer {
  size_t size;
  lh_text text, reasoning; /* valid until the next call with this chat session */
  lh_stop_reason reason;
  int32_t dropped_turns; /* oldest turns the model no longer sees from now on */
  int32_t read_tokens, written_tokens;
  double read_seconds, write_seconds;
  int32_t moved_tokens; /* of the turns that stayed, which were not read again */
} lh_chat_answer;

/* One message of a user and the answer to it. */
typedef struct lh_chat_turn {
  size_t size;
  lh_text user, answer, reasoning;
  int32_t answered;
  int32_t cut; /* the answer was stopped before its end */
} lh_chat_turn;

/* The turns are the truth; what the session holds is a cache of what the model sees of them: before each
 * answer it goes back to what still agrees, and only the rest is read. When the context is full the model no
 * longer sees the oldest turns; the system prompt it always sees. NULL for any options: all defaults.
 * Statuses of lh_session_new(), lh_sampler_new() and lh_chat_new(). */
LH_API lh_status lh_chat_session_new(const lh_model* model, const lh_chat_settings* settings,
                                     const lh_session_options* session, const lh_chat_options* written,
                                     lh_chat_session** chat, lh_error* error);
LH_API void lh_chat_session_free(lh_chat_session* chat);

/* Answers `message` as the next turn. `listener` and `answer` may be NULL, else their size must be set. After
 * a failure the turns are as before: LH_E_CONTEXT_FULL (the turn alone does not fit), LH_E_CANCELLED (while
 * reading; while writing the answer so far is kept, as when on_text returns other than 0), LH_E_NONFINITE and
 * others. */
LH_API lh_status lh_chat_session_ask(lh_chat_session* chat, lh_text message, const lh_chat_listener* listener,
                                     lh_chat_answer* answer, lh_error* error);
/* Answers the last turn anew. As lh_chat_session_ask(); LH_E_RANGE if there is none. */
LH_API lh_status lh_chat_session_retry(lh_chat_session* chat, const lh_chat_listener* listener,
                                       lh_chat_answer* answer, lh_error* error);
/* Forgets the last turn. LH_E_RANGE if there is none. */
LH_API lh_status lh_chat_session_undo(lh_chat_session* chat, lh_error* error);
/* Forgets all turns. */
LH_API lh_status lh_chat_session_clear(lh_chat_session* chat, lh_error* error);
/* Replaces the settings; turns stay. LH_E_RANGE, LH_E_GRAMMAR: nothing changes. */
LH_API lh_status lh_chat_session_change(lh_chat_session* chat, const lh_chat_settings* settings,
                                        lh_error* error);
/* Goes on from another conversation, all its turns answered, each with its size. As lh_chat_session_change().
 */
LH_API lh_status lh_chat_session_restore(lh_chat_session* chat, const lh_chat_settings* settings,
                                         const lh_chat_turn* turns, size_t count, lh_error* error);
/* Guesses ahead from now on; `on` 0: no longer. Statuses of lh_speculation_new(). */
LH_API lh_status lh_chat_session_speculate(lh_chat_session* chat, int on,
                                           const lh_speculation_options* options, lh_error* error);

LH_API size_t lh_chat_session_count(const lh_chat_session* chat); /* turns */
/* `turn->size` must be set; views are valid until the next call that changes the turns. LH_E_RANGE. */
LH_API lh_status lh_chat_session_turn(const lh_chat_session* chat, size_t number, lh_chat_turn* turn,
                                      lh_error* error);
LH_API int32_t lh_chat_session_forgotten(const lh_chat_session* chat); /* turns no longer seen */
LH_API int32_t lh_chat_session_kept(const lh_chat_session* chat);  /* turns seen that are older than those */
LH_API uint32_t lh_chat_session_seed(const lh_chat_session* chat); /* the one really used */
/* Tokens of the conversation with `message` as its next turn, if the model saw all of it. */
LH_API lh_status lh_chat_session_tokens_with(const lh_chat_session* chat, lh_text message, size_t* tokens,
                                             lh_error* error);
/* Where the session would go on after undo or retry, and how many tokens before that it would have to read
 * again because its memory let go of them. */
LH_API lh_status lh_chat_session_way_back(const lh_chat_session* chat, int32_t* to, int32_t* cost,
                                          lh_error* error);
/* The chat's own session, for getters, cancel, saving and restoring its state; it ends with the chat and is
 * not freed by itself. Feeding it costs the chat that it reads its conversation again. */
LH_API lh_session* lh_chat_session_of(lh_chat_session* chat);

#ifdef __cplusplus
}
#endif

#include "engine/longhand_c_defaults.h"

#endif
