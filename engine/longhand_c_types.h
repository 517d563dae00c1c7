/* What everything in the C interface is made of: handles, statuses, errors, views and buffers. Included by
 * longhand_c.h. */
#ifndef LONGHAND_ENGINE_LONGHAND_C_TYPES_H
#define LONGHAND_ENGINE_LONGHAND_C_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Visible also where the library becomes part of a shared one. */
#if defined(__GNUC__)
#define LH_API __attribute__((visibility("default")))
#else
#define LH_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_model lh_model;               /* weights and vocabulary; immutable */
typedef struct lh_session lh_session;           /* one running text: its tokens with their keys and values */
typedef struct lh_runner lh_runner;             /* what computes several sessions together */
typedef struct lh_sampler lh_sampler;           /* how the next token is chosen; one per conversation */
typedef struct lh_speculation lh_speculation;   /* guesses at the text of one session */
typedef struct lh_chat lh_chat;                 /* how a model wants conversations written; immutable */
typedef struct lh_chat_session lh_chat_session; /* a conversation, and a session in step with it */

/* Numbers are never reused; new ones may come. */
typedef enum lh_status {
  LH_OK = 0,
  LH_E_IO = 1,           /* a file could not be opened or read */
  LH_E_TRUNCATED = 2,    /* a file ends before what it promises */
  LH_E_MAGIC = 3,        /* not a file of the kind expected */
  LH_E_VERSION = 4,      /* a version this library does not read */
  LH_E_LIMIT = 5,        /* a count or size beyond a stated limit */
  LH_E_TYPE = 6,         /* a value of another type than its key asks for */
  LH_E_RANGE = 7,        /* a value outside its legal range */
  LH_E_SHAPE = 8,        /* dimensions that do not fit */
  LH_E_MISSING = 9,      /* a required key or tensor is absent */
  LH_E_DUPLICATE = 10,   /* a name that must be unique appears twice */
  LH_E_UNSUPPORTED = 11, /* well formed, but not something this library can run */
  LH_E_NO_MEMORY = 12,   /* not enough memory */
  LH_E_CONTEXT_FULL = 13,
  LH_E_NONFINITE = 14, /* NaN or infinity where a number is needed */
  LH_E_CANCELLED = 15, /* stopped by lh_session_cancel() or by what a callback returned */
  LH_E_TEMPLATE = 16,  /* a chat template refuses or failed */
  LH_E_GRAMMAR = 17,   /* a grammar or schema is not usable */
  LH_E_CORRUPT = 18,   /* a checksum or an internal structure does not hold */
  LH_E_MISMATCH = 19,  /* made from another model */
  LH_E_BUSY = 20,      /* in use by another call */
  LH_E_ARGUMENT = 100, /* NULL where something is needed, or a struct of a size that cannot be */
  LH_E_BUFFER = 101,   /* the caller's buffer is too small; its size says how much is needed */
  LH_E_CALLBACK = 102, /* a callback threw a C++ exception */
  LH_E_INTERNAL = 103  /* a fault of the library; the message is worth reporting */
} lh_status;

/* What went wrong. `message` is one line that names the file, field, value and rule; control bytes are
 * escaped. */
typedef struct lh_error {
  lh_status status;
  char message[508];
} lh_error;

/* "E_RANGE" for LH_E_RANGE and so on; "E_UNKNOWN" for what is no status. */
LH_API const char* lh_status_name(lh_status status);
/* "0.1.0" */
LH_API const char* lh_version(void);

typedef int32_t lh_token;

/* Views: `size` elements from `data`, which may be NULL if size is 0. */
typedef struct lh_text {
  const char* data;
  size_t size; /* bytes */
} lh_text;
typedef struct lh_tokens {
  const lh_token* data;
  size_t size;
} lh_tokens;
typedef struct lh_logits {
  const float* data;
  size_t size; /* one for each token of the vocabulary, or of its padded form */
} lh_logits;

typedef struct lh_bytes {
  const void* data;
  size_t size;
} lh_bytes;

/* How likely a model holds a token to be. */
typedef struct lh_token_probability {
  lh_token token;
  float log_probability; /* natural logarithm, at most 0 */
} lh_token_probability;

/* A token as it was drawn. Probabilities are the model's own, softmax(logits): no temperature, filter,
 * penalty or grammar of the sampler is in them. */
typedef struct lh_token_step {
  lh_token token;
  float log_probability;
  const lh_token_probability* top; /* the likeliest tokens, best first */
  size_t top_count;
} lh_token_step;

/* Buffers: the caller's room for `capacity` elements at `data`; a call sets `size` to what it wrote. If that
 * does not fit it writes nothing, sets `size` to the capacity needed and returns LH_E_BUFFER. `data` may be
 * NULL if capacity is 0, to ask. Text gets no NUL. */
typedef struct lh_text_buffer {
  char* data;
  size_t capacity;
  size_t size;
} lh_text_buffer;
typedef struct lh_token_buffer {
  lh_token* data;
  size_t capacity;
  size_t size;
} lh_token_buffer;
typedef struct lh_byte_buffer {
  void* data;
  size_t capacity;
  size_t size;
} lh_byte_buffer;
typedef struct lh_probability_buffer {
  lh_token_probability* data;
  size_t capacity;
  size_t size;
} lh_probability_buffer;

#ifdef __cplusplus
}
#endif

#endif
