/* Many requests answered at once, for programs that serve others; to be included beside longhand_c.h.
 *
 *   lh_scheduler* scheduler;
 *   lh_scheduler_new(model, NULL, NULL, &scheduler, &error);
 *   lh_generate_options how = lh_generate_defaults();
 *   how.on_text = print;
 *   lh_request request = lh_request_defaults();
 *   request.prompt = prompt;
 *   request.generate = &how;
 *   lh_scheduler_submit(scheduler, &request, NULL, &error);
 *   lh_scheduler_wait(scheduler, -1);
 *
 * Requests are computed together, in a thread of the scheduler: weights are read once for all, and prompts
 * are read in parts beside answers that are being written. With f32 caches an answer is, bit for bit, what it
 * would be if nobody else asked. A scheduler may be used by many threads at once.
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_SERVE_H
#define LONGHAND_ENGINE_LONGHAND_C_SERVE_H

#include "engine/longhand_c.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_scheduler lh_scheduler;

/* Defaults in brackets. */
typedef struct lh_scheduler_options {
  size_t size;
  int32_t parallel; /* [4] requests computed together; others wait */
  int32_t queue;    /* [256] requests that may wait */
  double latency; /* [0.25] seconds at most that an answer waits for its next token while prompts are read */
  int32_t cache_mib; /* [-1] of finished texts kept for requests that begin alike; -1: a quarter of what is
                        free */
  int32_t disk_mib;  /* [4096] that such texts may take in `disk_folder` */
  const char* disk_folder; /* [NULL] to keep them in as well, for later schedulers; NULL: nowhere */
  void (*on_note)(void* user, lh_text line); /* [NULL] what went wrong with those files; from any thread */
  void* on_note_user;
} lh_scheduler_options;

/* `session`: of each request, `context` tokens for its prompt and answer; NULL: defaults. LH_E_RANGE,
 * LH_E_NO_MEMORY, LH_E_UNSUPPORTED, LH_E_IO: the folder cannot be made. */
LH_API lh_status lh_scheduler_new(const lh_model* model, const lh_session_options* session,
                                  const lh_scheduler_options* options, lh_scheduler** scheduler,
                                  lh_error* error);
/* Cancels what is left, whose on_end is called before this returns. Not from a callback. */
LH_API void lh_scheduler_free(lh_scheduler* scheduler);

/* How far a prompt was read. */
typedef struct lh_reading_progress {
  int32_t total;  /* tokens of the prompt */
  int32_t cached; /* of them those that were there already */
  int32_t read;   /* those and what was read since */
} lh_reading_progress;

/* How an answer ended. */
typedef struct lh_request_result {
  uint64_t request; /* its number */
  lh_status status; /* LH_OK, or what it failed with */
  const char* message;
  lh_stop_reason reason;
  const char* stop; /* the stop string that ended it, else "" */
  int32_t prompt_tokens, cached_tokens, written_tokens;
  int32_t guesses, right_guesses;
  double wait_seconds, prompt_seconds, write_seconds;
} lh_request_result;

/* What is asked of a model. Callbacks are called from the scheduler's thread, which computes for everybody:
 * they must return soon, must not throw, and may use lh_scheduler_cancel() and lh_scheduler_about() only.
 * Everything else that this points to is copied by lh_scheduler_submit(). */
typedef struct lh_request {
  size_t size;
  lh_tokens prompt;
  const lh_sampler_options* sampler; /* [NULL] defaults */
  const lh_tools* tools;             /* [NULL] whose calls the sampler is held to, as by lh_tools_sampler() */
  int32_t opens_reasoning;           /* [0] as lh_tools_encode() said */
  int32_t priority;                  /* [0] of those that wait, higher ones come first */
  const lh_generate_options* generate; /* [NULL] defaults; its `speculation` must be NULL */
  const lh_speculation_options*
      speculation;                /* [NULL] guesses made while nobody else is answered; NULL: none */
  const lh_adapter_use* adapters; /* [NULL] what is computed beside the model */
  size_t adapter_count;           /* [0] */
  void (*on_reading)(void* user,
                     const lh_reading_progress* progress); /* [NULL] after each part of the prompt */
  void (*on_end)(void* user,
                 const lh_request_result* result); /* [NULL] last of all, once for each request taken */
  void* user;                                      /* [NULL] of these two */
} lh_request;

/* `number`, if not NULL, is never 0, and is set before anything is called. LH_E_BUSY: as many wait as may, or
 * the scheduler closes; LH_E_CONTEXT_FULL, LH_E_RANGE (token ids, no tokens), LH_E_GRAMMAR, LH_E_MISMATCH
 * (adapters), LH_E_NO_MEMORY. Then nothing is called. */
LH_API lh_status lh_scheduler_submit(lh_scheduler* scheduler, const lh_request* request, uint64_t* number,
                                     lh_error* error);
/* The request ends as cancelled after the pass under way; one that has ended, or is unknown, is left alone.
 */
LH_API void lh_scheduler_cancel(lh_scheduler* scheduler, uint64_t number);
/* No requests are taken any more; those that were go on. */
LH_API void lh_scheduler_close(lh_scheduler* scheduler);
/* Not 0 once nothing is computed and nobody waits; 0 after so many milliseconds; -1: as long as it takes. */
LH_API int lh_scheduler_wait(lh_scheduler* scheduler, int64_t milliseconds);

/* What a scheduler is doing. */
typedef struct lh_scheduler_info {
  int32_t context;         /* tokens a request may have, answer and all */
  int32_t active, waiting; /* requests */
  int32_t kept_texts;
  uint64_t kept_bytes;
  /* Of all requests so far: */
  uint64_t requests, prompt_tokens, cached_tokens, written_tokens, passes;
  double prompt_seconds, write_seconds; /* sums over requests, which overlap */
} lh_scheduler_info;
/* All zero for NULL. */
LH_API lh_scheduler_info lh_scheduler_about(const lh_scheduler* scheduler);

static inline lh_scheduler_options lh_scheduler_defaults(void) {
  lh_scheduler_options options;
  lh_options_init(LH_SCHEDULER_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_request lh_request_defaults(void) {
  lh_request request;
  lh_options_init(LH_REQUEST, &request, sizeof request);
  return request;
}

#ifdef __cplusplus
}
#endif

#endif
