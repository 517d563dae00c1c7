/* longhand for programs in C, and for everything that can call C. Compiles as C11 and as C++20.
 *
 *   lh_model* model;
 *   lh_session* session;
 *   lh_sampler* sampler;
 *   lh_error error;
 *   if (lh_model_load("model.gguf", NULL, &model, &error) != LH_OK) ... error.message says why
 *   lh_session_new(model, NULL, &session, &error);
 *   lh_sampler_new(model, NULL, &sampler, &error);
 *   lh_generate_options options = lh_generate_defaults();
 *   options.on_text = print;
 *   lh_generate(session, sampler, prompt, &options, NULL, &error);
 *
 * Errors. Whatever can fail returns a status and, where `error` is not NULL, fills it in; on LH_OK `error` is
 * left alone. A call that failed has changed nothing but what its comment says, and wrote none of its
 * results. No C++ exception leaves the library, nothing is printed, and there is no hidden state to ask for
 * errors.
 *
 * Handles. Made by a _load or _new, ended by the _free of its kind, which takes NULL. A model may be freed
 * before what was made from it: they share it. Where a handle must not be NULL, NULL is LH_E_ARGUMENT; the
 * plain getters then return 0 or an empty view.
 *
 * Structs of options and results begin with `size`, so that programs and libraries of different ages agree:
 * the ..._defaults() functions set it. Fields that a caller's older struct lacks have their defaults; fields
 * the library does not know yet must be zero, else LH_E_ARGUMENT. NULL for options means all defaults.
 *
 * Text is UTF-8. An argument `const char*` ends in NUL; an lh_text does not. Callers keep what they pass for
 * the duration of the call only.
 *
 * Callbacks get the `user` pointer given with them, run in the thread of the call that leads to them, and
 * stop it by returning anything but 0. One that throws a C++ exception stops it too: LH_E_CALLBACK. They must
 * not free the handles in use; using them, but for getters and cancel, is LH_E_BUSY. No longjmp out of them,
 * and no pthread_cancel.
 *
 * Threads. A model and a chat may be used by any number of threads at once. A session, a sampler, a
 * speculation and a chat session belong to one call at a time; a second one gets LH_E_BUSY. A runner with its
 * sessions, and a session with its forks, count as one in this. lh_session_cancel() may be called from any
 * thread and from signal handlers. Freeing a handle is the caller's to order after every other use.
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_H
#define LONGHAND_ENGINE_LONGHAND_C_H

#include "engine/longhand_c_chat.h"
#include "engine/longhand_c_model.h"
#include "engine/longhand_c_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sessions ---- */

typedef enum lh_cache_type {
  LH_CACHE_F32 = 0,
  LH_CACHE_F16 = 1,
  LH_CACHE_Q8_0 = 2,
  LH_CACHE_BF16 = 3,
  LH_CACHE_Q4_0 = 4,
  LH_CACHE_Q4_1 = 5,
  LH_CACHE_Q5_0 = 6,
  LH_CACHE_Q5_1 = 7,
  LH_CACHE_IQ4_NL = 8
} lh_cache_type;

typedef enum lh_rope_scaling {
  LH_ROPE_FROM_FILE = 0,
  LH_ROPE_NONE = 1,
  LH_ROPE_LINEAR = 2,
  LH_ROPE_NTK = 3,
  LH_ROPE_NTK_FIXED = 4,
  LH_ROPE_NTK_MIXED = 5,
  LH_ROPE_YARN = 6
} lh_rope_scaling;

/* Defaults in brackets. rope_... and what follows them: negative keeps what the file says, else a default
 * that depends on the model; the headers in engine/types explain each one under the same name. */
typedef struct lh_session_options {
  size_t size;
  int32_t context;               /* [0] tokens; 0: the trained context, or as much as fits in memory */
  int32_t threads;               /* [0] 0: physical cores this process may use, fewer for very small models */
  int32_t prefill_threads;       /* [0] while more than a few tokens are computed at once; 0: as `threads` */
  int32_t batch;                 /* [512] tokens computed at once; results do not depend on it */
  lh_cache_type key_cache;       /* [LH_CACHE_F16] */
  lh_cache_type value_cache;     /* [LH_CACHE_F16] */
  lh_rope_scaling rope_scaling;  /* [LH_ROPE_FROM_FILE] */
  float rope_factor;             /* [-1] context is stretched by this factor; alone it means linear */
  int32_t rope_auto_factor;      /* [0] not 0: the factor is what `context` needs */
  float rope_base;               /* [-1] */
  int32_t rope_original_context; /* [-1] tokens */
  float yarn_beta_fast, yarn_beta_slow, yarn_ext_factor; /* [-1] */
  const char* memory;      /* [NULL] "full", "window", "rerope", "leaky-rerope", "auto", "vq", "performer" */
  int32_t window;          /* [-1] tokens at their true distance */
  int32_t sinks;           /* [-1] first tokens that stay for ever */
  int32_t far;             /* [-1] distance of what is remembered in summary, tokens */
  float leak;              /* [-1] */
  int32_t codes, features; /* [-1] */
  int32_t weighted;        /* [0] not 0: learned codes count dimensions by how much queries ask for them */
  int32_t second_order;    /* [0] not 0: learned codes correct scores by how far their keys scatter */
  int32_t exact;           /* [-1] old tokens every query reads exactly */
  int32_t checkpoints;     /* [8] earlier states kept for rewinds */
  int32_t log_n;           /* [-1] 0: attention sharpens beyond the trained context; negative: off */
  int32_t indexer;         /* [1] 0: models that choose the keys each query sees let it see all */
  int (*progress)(void* user, int32_t done, int32_t total); /* [NULL] tokens, after each batch of a feed */
  void* progress_user;
  int32_t summary_from;   /* [-1] "auto": tokens from which old ones are remembered in summary */
  float min_speed;        /* [0] "auto": tokens a second below which they are; 0: never for that reason */
  uint64_t memory_budget; /* [0] bytes the memory of the text takes at most; 0: what `context` asks for */
  const char* cpus;       /* [NULL] where threads run: "0-3,8", or "0/1/2/3" each in turn; NULL: anywhere */
} lh_session_options;

/* LH_E_RANGE; LH_E_NO_MEMORY, whose message tells the context that would fit. */
LH_API lh_status lh_session_new(const lh_model* model, const lh_session_options* options,
                                lh_session** session, lh_error* error);
LH_API void lh_session_free(lh_session* session);
/* A session with the same text and options; each may then go on in its own way. Keys and values of the common
 * text are shared until one of both writes over them. Progress is not told of it. LH_E_NO_MEMORY. */
LH_API lh_status lh_session_fork(lh_session* session, lh_session** fork, lh_error* error);

/* Appends at least one token. `logits`, if not NULL: after the last of them, valid until the next call with
 * this session. LH_E_CONTEXT_FULL, LH_E_RANGE, LH_E_CANCELLED, LH_E_NO_MEMORY: no token was added. */
LH_API lh_status lh_feed(lh_session* session, lh_tokens tokens, lh_logits* logits, lh_error* error);

/* The same, showing the logits after every token in turn, valid during the callback. LH_E_CANCELLED: it
 * returned other than 0, and no token was added. */
typedef int (*lh_visit)(void* user, int32_t position, lh_logits logits);
LH_API lh_status lh_feed_each(lh_session* session, lh_tokens tokens, lh_visit visit, void* user,
                              lh_error* error);

/* The same, showing each token's final hidden state, normalised: what the output head reads. */
typedef int (*lh_visit_hidden)(void* user, int32_t position, const float* hidden, size_t size);
LH_API lh_status lh_feed_hidden(lh_session* session, lh_tokens tokens, lh_visit_hidden visit, void* user,
                                lh_error* error);

/* Where a token stands: time, height and width, of text all the same (M-RoPE). */
typedef struct lh_position {
  int32_t t, h, w;
} lh_position;
/* Appends `count` embeddings (count, hidden) in place of tokens, as an encoder of pictures makes them.
 * `positions`: one of each; NULL: they go on as tokens do. Tokens that follow stand behind the greatest
 * number before them. `logits` as of lh_feed(). LH_E_CONTEXT_FULL; LH_E_RANGE: `count` is 0, or positions
 * that the model cannot have; LH_E_UNSUPPORTED: the model needs tokens, or the session's memory is not
 * "full". A text with embeddings cannot be saved or cut. */
LH_API lh_status lh_feed_embeddings(lh_session* session, const float* values, size_t count,
                                    const lh_position* positions, lh_logits* logits, lh_error* error);

/* Writes tokens and memories to a file (mode 0600), so that a session of the same model and options goes on
 * from there without reading the text again. An old file stays whole until the new one is. A cache: keep the
 * text itself elsewhere. LH_E_IO and LH_E_NO_MEMORY: the old file is still there, or, where only its folder
 * could not be written through to the disk, the new one. */
LH_API lh_status lh_save_state(lh_session* session, const char* path, lh_error* error);
/* Replaces tokens and memories by those of a file: all later logits are, bit for bit, those of the session
 * that saved it, on a CPU of the same kind. LH_E_IO, LH_E_TRUNCATED, LH_E_MAGIC, LH_E_VERSION, LH_E_CORRUPT,
 * LH_E_NO_MEMORY; LH_E_MISMATCH: saved with another model, context, batch, cache type, memory or rope option
 * (threads may differ). Then the session is as it was. */
LH_API lh_status lh_restore_state(lh_session* session, const char* path, lh_error* error);
/* Of what lh_save_state() would write. */
LH_API lh_status lh_state_bytes(lh_session* session, uint64_t* bytes, lh_error* error);
/* What would be in that file. LH_E_BUFFER, LH_E_NO_MEMORY. */
LH_API lh_status lh_save_state_memory(lh_session* session, lh_byte_buffer* out, lh_error* error);
/* As from a file with these bytes. */
LH_API lh_status lh_restore_state_memory(lh_session* session, lh_bytes state, lh_error* error);

/* Logits after the token at `position`, any fed one; valid until the next call with this session.
 * LH_E_RANGE. */
LH_API lh_status lh_get_logits(lh_session* session, int32_t position, lh_logits* logits, lh_error* error);
/* Forgets all tokens from `size` on. LH_E_RANGE. */
LH_API lh_status lh_rewind(lh_session* session, int32_t size, lh_error* error);
/* Tokens that the first feed after lh_rewind(session, size) computes again, before its own: 0 where the
 * memory still holds everything, or a checkpoint lies just there. */
LH_API int32_t lh_session_rewind_cost(const lh_session* session, int32_t size);
/* Takes tokens [from, to) out of the text: those behind move up, their keys turned to their new positions.
 * They still know what was taken out, so that logits are not quite those of the shorter text. `done` becomes
 * 0, and nothing changes, where that cannot be: memories other than full, recurrent states, layers with a
 * window of their own, learned positions, quantised caches. LH_E_RANGE, LH_E_NO_MEMORY: nothing changes. */
LH_API lh_status lh_cut(lh_session* session, int32_t from, int32_t to, int* done, lh_error* error);

LH_API int32_t lh_session_size(const lh_session* session);    /* tokens fed */
LH_API int32_t lh_session_context(const lh_session* session); /* tokens that fit */
LH_API int32_t lh_session_threads(const lh_session* session);
LH_API uint64_t lh_session_bytes(const lh_session* session);      /* memory reserved */
LH_API int lh_session_context_was_cut(const lh_session* session); /* by memory, where context was 0 */
LH_API lh_tokens lh_session_tokens(const lh_session* session);    /* valid until the next call */

/* The feed under way stops within one batch, and every later one, with LH_E_CANCELLED, until
 * lh_session_clear_cancel(). */
LH_API void lh_session_cancel(lh_session* session);
LH_API void lh_session_clear_cancel(lh_session* session);

/* ---- Several sessions computed together ---- */

typedef struct lh_runner_options {
  size_t size;
  int32_t threads;         /* [0] physical cores this process may use, fewer for very small models */
  int32_t prefill_threads; /* [0] while more than a few tokens are computed at once; 0: as `threads` */
  int32_t batch;           /* [512] tokens computed at once, of all sessions together */
  const char* cpus;        /* [NULL] as in lh_session_options */
} lh_runner_options;

/* Threads and working memory for sessions whose tokens go through the layers side by side, so that weights
 * are read once for all. It may be freed before its sessions. LH_E_RANGE, LH_E_NO_MEMORY. */
LH_API lh_status lh_runner_new(const lh_model* model, const lh_runner_options* options, lh_runner** runner,
                               lh_error* error);
LH_API void lh_runner_free(lh_runner* runner);
/* A session that is computed by `runner`, with its threads, alone or with others. As lh_session_new(). */
LH_API lh_status lh_session_new_of(lh_runner* runner, const lh_session_options* options, lh_session** session,
                                   lh_error* error);

typedef struct lh_runner_feed {
  lh_session* session; /* of the runner */
  lh_tokens tokens;    /* at least one */
  lh_logits logits;    /* result: after the last token, valid until the next call with this session; empty
                          where the session was cancelled */
  int32_t cancelled;   /* result: not 0: the session was cancelled and is as it was */
} lh_runner_feed;

/* Feeds each session its tokens, all of them together. With f32 caches logits are, bit for bit, those of a
 * session that is fed alone.
 *
 * The tokens are computed in passes, of `batch` tokens of all sessions at most. A session that is cancelled
 * leaves the run at the end of the pass under way, as it was before; a pass whose sessions are all cancelled
 * stops at the next layer. The others are not affected, and the status is LH_OK. Progress is not told.
 *
 * Every session is as it was, and no result written, with LH_E_CONTEXT_FULL, LH_E_RANGE (token, no tokens, a
 * session of another runner or named twice), LH_E_BUSY, LH_E_NO_MEMORY. */
LH_API lh_status lh_runner_run(lh_runner* runner, lh_runner_feed* feeds, size_t count, lh_error* error);

/* ---- Sampling ---- */

typedef struct lh_token_bias {
  lh_token token;
  float bias; /* added to the token's logit */
} lh_token_bias;

/* Defaults in brackets, then the value that switches a stage off. */
typedef struct lh_sampler_options {
  size_t size;
  uint32_t seed;                   /* [0xFFFFFFFF] a fresh one from the system */
  float temperature;               /* [0.8] <= 0: always the most likely token */
  float dynatemp_range;            /* [0] 0 */
  float dynatemp_exponent;         /* [1] */
  int32_t top_k;                   /* [40] <= 0 */
  float top_p;                     /* [0.95] 1 */
  float min_p;                     /* [0.05] 0 */
  float typical_p;                 /* [1] 1 */
  float top_n_sigma;               /* [-1] <= 0 */
  float xtc_probability;           /* [0] 0 */
  float xtc_threshold;             /* [0.1] > 0.5 */
  int32_t min_keep;                /* [0] filters keep at least so many tokens */
  int32_t penalty_last_n;          /* [64] tokens looked back at; 0 off, -1 all */
  float repeat_penalty;            /* [1] 1 */
  float frequency_penalty;         /* [0] 0 */
  float presence_penalty;          /* [0] 0 */
  float dry_multiplier;            /* [0] 0 */
  float dry_base;                  /* [1.75] */
  int32_t dry_allowed_length;      /* [2] */
  int32_t dry_penalty_last_n;      /* [-1] */
  const char* const* dry_breakers; /* [NULL] NULL: "\n", ":", "\"", "*" */
  size_t dry_breaker_count;        /* [0] */
  int32_t mirostat;                /* [0] 1 or 2 replace the filters */
  float mirostat_tau;              /* [5] */
  float mirostat_eta;              /* [0.1] */
  int32_t ignore_eos;              /* [0] not 0: never end by itself */
  const lh_token_bias* logit_bias; /* [NULL] */
  size_t logit_bias_count;         /* [0] */
  const char* stages;              /* [NULL] "penalties;top_k;temperature" or "ekt"; NULL: all, usual order */
  const char* grammar;             /* [NULL] GBNF text the answer obeys */
  const char* json_schema;         /* [NULL] the same as a JSON schema; not both */
} lh_sampler_options;

/* Defaults, and in their place what the model's authors recommend in its file. `options->size` must be set.
 * LH_E_TYPE, LH_E_RANGE: bad values of the file. */
LH_API lh_status lh_sampler_recommended(const lh_model* model, lh_sampler_options* options, lh_error* error);
/* A grammar of the texts that a JSON schema allows. LH_E_GRAMMAR: no schema, or one that no grammar holds. */
LH_API lh_status lh_grammar_of_schema(lh_text json_schema, lh_text_buffer* out, lh_error* error);

/* LH_E_RANGE: a value out of bounds; LH_E_GRAMMAR. */
LH_API lh_status lh_sampler_new(const lh_model* model, const lh_sampler_options* options,
                                lh_sampler** sampler, lh_error* error);
LH_API void lh_sampler_free(lh_sampler* sampler);
/* Draws the next token from `logits`, one for each token of the vocabulary or more, and remembers it.
 * -INFINITY: may not be drawn. LH_E_SHAPE, LH_E_NONFINITE, LH_E_GRAMMAR: no token is allowed. */
LH_API lh_status lh_sample(lh_sampler* sampler, lh_logits logits, lh_token* token, lh_error* error);
/* Remembers tokens that were not sampled, for penalties. */
LH_API lh_status lh_sampler_accept(lh_sampler* sampler, lh_tokens tokens, lh_error* error);
/* Forgets everything but the options; the random sequence starts anew from the seed. */
LH_API lh_status lh_sampler_reset(lh_sampler* sampler, lh_error* error);
LH_API uint32_t lh_sampler_seed(const lh_sampler* sampler); /* the one really used */

/* The `most` likeliest tokens, best first, equal ones by id; fewer where all others are impossible.
 * LH_E_RANGE: `most` is negative; LH_E_NONFINITE: a logit is NaN or +INFINITY, or all are -INFINITY. */
LH_API lh_status lh_top_log_probabilities(lh_logits logits, int32_t most, lh_probability_buffer* out,
                                          lh_error* error);
/* Of one token; -INFINITY for an impossible one. LH_E_RANGE, LH_E_NONFINITE. */
LH_API lh_status lh_log_probability(lh_logits logits, lh_token token, float* log_probability,
                                    lh_error* error);

/* ---- Generating ---- */

typedef enum lh_stop_reason {
  LH_STOP_END_OF_GENERATION = 0,
  LH_STOP_STRING = 1,
  LH_STOP_MAX_TOKENS = 2,
  LH_STOP_CONTEXT_FULL = 3,
  LH_STOP_CANCELLED = 4,
  LH_STOP_CALLBACK = 5
} lh_stop_reason;
/* "token limit" for LH_STOP_MAX_TOKENS and so on; "unknown" for what is none. */
LH_API const char* lh_stop_reason_name(lh_stop_reason reason);

/* Guesses at the next tokens, computed along with the one at hand: the same text sooner. */
typedef struct lh_speculation_options {
  size_t size;
  const lh_model* draft; /* [NULL] a smaller model of the same vocabulary; NULL: what followed the same tokens
                            earlier in the text */
  int32_t most;          /* [0] tokens guessed at once; 0: 7 with a draft, 3 with mtp, else 15 */
  int32_t adapt;         /* [1] not 0: as many as pay, none where none do; 0: always the most */
  int32_t mtp; /* [0] not 0: guess what the model's own prediction layers foresee; draft is NULL then */
} lh_speculation_options;

/* For this session only, of which it learns what pays; freed before or after it. LH_E_UNSUPPORTED: the draft
 * has another vocabulary, or the model has no prediction layers that can be run; LH_E_RANGE, LH_E_NO_MEMORY.
 */
LH_API lh_status lh_speculation_new(const lh_session* session, const lh_speculation_options* options,
                                    lh_speculation** speculation, lh_error* error);
LH_API void lh_speculation_free(lh_speculation* speculation);

typedef struct lh_generate_options {
  size_t size;
  int32_t max_tokens;                       /* [-1] until the model ends or the context is full */
  const char* const* stop;                  /* [NULL] the text ends before the first of these */
  size_t stop_count;                        /* [0] */
  lh_tokens written_out;                    /* [none] control tokens that are part of the text */
  int (*on_text)(void* user, lh_text text); /* [NULL] whole characters, as soon as they are certain */
  void* on_text_user;
  lh_speculation* speculation;   /* [NULL] made for this session; one of another is LH_E_ARGUMENT */
  int32_t top_log_probabilities; /* [-1] so many of the likeliest tokens at each place, and probabilities; 0:
                                    of the token alone; negative: none */
  int (*on_token)(void* user, const lh_token_step* step); /* [NULL] each token before its text, with the
                                                             probabilities asked for */
  void* on_token_user;
} lh_generate_options;

typedef struct lh_generate_result {
  size_t size;
  lh_stop_reason reason;
  int32_t prompt_tokens;
  double prompt_seconds; /* reading the prompt */
  double decode_seconds; /* writing the answer */
  lh_text text; /* UTF-8 without the stop string; valid until the next lh_generate() or lh_session_free() */
  lh_tokens tokens; /* sampled, without the one that ended the text; valid as long as `text` */
  int32_t feeds;    /* computations while writing; fewer than tokens where guesses came true */
  int32_t guesses, right_guesses;
  const lh_token_step* steps; /* of `tokens`, where probabilities were asked for, else NULL; valid as long as
                                 `text` */
} lh_generate_result;

/* Feeds `prompt`, or goes on from where the session stands if it is empty, and samples until something ends
 * the text. `result` may be NULL; else its size must be set. Statuses of lh_feed() for the prompt, and of
 * lh_sample(). A cancel, on_text returning other than 0 and a full context while writing are no failures but
 * reasons; the session keeps what was fed. */
LH_API lh_status lh_generate(lh_session* session, lh_sampler* sampler, lh_tokens prompt,
                             const lh_generate_options* options, lh_generate_result* result, lh_error* error);

/* ---- Helpers ---- */

typedef enum lh_options_kind {
  LH_LOAD_OPTIONS = 0,
  LH_SESSION_OPTIONS = 1,
  LH_SAMPLER_OPTIONS = 2,
  LH_GENERATE_OPTIONS = 3,
  LH_CHAT_OPTIONS = 4,
  LH_RENDER_OPTIONS = 5,
  LH_SPECULATION_OPTIONS = 6,
  LH_RUNNER_OPTIONS = 7,
  LH_CHAT_SETTINGS = 8,
  LH_EMBED_OPTIONS = 9,
  LH_SCHEDULER_OPTIONS = 10, /* of longhand_c_serve.h */
  LH_REQUEST = 11
} lh_options_kind;

/* Fills `size` bytes of a struct of options with defaults, zeros behind what the library knows; for structs
 * as this header has them the lh_..._defaults() below do it. Where memory is out, or there is no such kind,
 * all is zero; the call that gets such options refuses them. */
LH_API void lh_options_init(lh_options_kind kind, void* options, size_t size);

/* A view of a C string. */
LH_API lh_text lh_string(const char* text);

#ifdef __cplusplus
}
#endif

#include "engine/longhand_c_adapter.h"
#include "engine/longhand_c_chat_session.h"
#include "engine/longhand_c_embed.h"
#include "engine/longhand_c_tools.h"

#endif
