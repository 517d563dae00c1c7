/* Vectors and scores of texts. Included by longhand_c.h.
 *
 *   lh_embedder* embedder;
 *   lh_embedder_new(model, NULL, &embedder, &error);
 *   float values[1024];
 *   lh_float_buffer vector = {values, 1024, 0};
 *   lh_embed_text(embedder, lh_string("What is the capital of Peru?"), &vector, &error);
 *
 * Models made for it do not predict tokens: lh_session_new() is LH_E_UNSUPPORTED. Any other model works here,
 * too. An embedder belongs to one call at a time; a second one gets LH_E_BUSY.
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_EMBED_H
#define LONGHAND_ENGINE_LONGHAND_C_EMBED_H

#include "engine/longhand_c.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_embedder lh_embedder; /* what makes vectors of texts */

/* A view and a buffer of floats, as lh_logits and lh_text_buffer are. */
typedef struct lh_floats {
  const float* data;
  size_t size;
} lh_floats;
typedef struct lh_float_buffer {
  float* data;
  size_t capacity;
  size_t size;
} lh_float_buffer;

/* What becomes of the hidden states of a text. */
typedef enum lh_pooling {
  LH_POOLING_FROM_FILE = 0, /* what the file says; else last where tokens see only those before them, and mean
                               elsewhere */
  LH_POOLING_NONE = 1,      /* each stays: a vector for every token */
  LH_POOLING_MEAN = 2,
  LH_POOLING_CLS = 3,  /* the first one */
  LH_POOLING_LAST = 4, /* the last one */
  LH_POOLING_RANK = 5  /* scores by the file's classifier */
} lh_pooling;

/* Defaults in brackets. */
typedef struct lh_embed_options {
  size_t size;
  lh_pooling pooling;                /* [LH_POOLING_FROM_FILE] */
  int32_t normalize;                 /* [1] vectors are scaled to length 1; scores stay as they are */
  const lh_session_options* session; /* [NULL] how texts are computed: context, threads, batch, ...; NULL: the
                                        defaults, with f32 caches */
} lh_embed_options;

/* LH_E_RANGE, LH_E_NO_MEMORY; LH_E_UNSUPPORTED: scores are asked of a file that has no classifier. */
LH_API lh_status lh_embedder_new(const lh_model* model, const lh_embed_options* options,
                                 lh_embedder** embedder, lh_error* error);
LH_API void lh_embedder_free(lh_embedder* embedder);
LH_API int32_t lh_embedder_width(const lh_embedder* embedder);      /* values of a vector, or scores */
LH_API int32_t lh_embedder_context(const lh_embedder* embedder);    /* tokens a text may have */
LH_API lh_pooling lh_embedder_pooling(const lh_embedder* embedder); /* never LH_POOLING_FROM_FILE */
/* Names of the scores; NULL behind the last. Where there are none, scores have no names. */
LH_API const char* lh_embedder_label(const lh_embedder* embedder, size_t index);

/* Tokens of a text as the model reads it, cut to the context; what the vocabulary puts at its end stays.
 * `left_out`, if not NULL: tokens for which there was no room. LH_E_BUFFER. */
LH_API lh_status lh_embed_encode(const lh_embedder* embedder, lh_text text, lh_token_buffer* out,
                                 int32_t* left_out, lh_error* error);
/* Two texts as a reranker reads them, of which the document is cut. LH_E_BUFFER; LH_E_CONTEXT_FULL: the query
 * leaves no room for it; LH_E_TEMPLATE. */
LH_API lh_status lh_embed_encode_pair(const lh_embedder* embedder, lh_text query, lh_text document,
                                      lh_token_buffer* out, int32_t* left_out, lh_error* error);

/* Told the vectors of texts[text], one after another: one, or one for each token where pooling is none; valid
 * during the callback. */
typedef int (*lh_visit_vectors)(void* user, size_t text, lh_floats vectors);
/* The vectors of `count` texts, in their order, computed together. A vector does not depend on the texts
 * beside it. LH_E_CONTEXT_FULL, LH_E_RANGE (token ids, a text without tokens): nothing was computed;
 * LH_E_NONFINITE, LH_E_NO_MEMORY; LH_E_CANCELLED: `visit` returned other than 0, or lh_embedder_cancel(). */
LH_API lh_status lh_embed(lh_embedder* embedder, const lh_tokens* texts, size_t count, lh_visit_vectors visit,
                          void* user, lh_error* error);
/* The vectors of one text, which is cut to the context. Statuses as above, and LH_E_BUFFER. */
LH_API lh_status lh_embed_text(lh_embedder* embedder, lh_text text, lh_float_buffer* out, lh_error* error);

/* From any thread or signal handler: lh_embed() stops within one pass with LH_E_CANCELLED, and every later
 * one does, until lh_embedder_clear_cancel(). */
LH_API void lh_embedder_cancel(lh_embedder* embedder);
LH_API void lh_embedder_clear_cancel(lh_embedder* embedder);

static inline lh_embed_options lh_embed_defaults(void) {
  lh_embed_options options;
  lh_options_init(LH_EMBED_OPTIONS, &options, sizeof options);
  return options;
}

#ifdef __cplusplus
}
#endif

#endif
