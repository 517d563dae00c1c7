/* Models, their vocabulary, and what their files say. Included by longhand_c.h. */
#ifndef LONGHAND_ENGINE_LONGHAND_C_MODEL_H
#define LONGHAND_ENGINE_LONGHAND_C_MODEL_H

#include "engine/longhand_c_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_load_options {
  size_t size;
  int32_t repack;  /* [1] interleave weights for the CPU */
  int32_t threads; /* [0] for loading; 0: as many as there are */
  const char* isa; /* [NULL] "avx2", "sse2", ...; NULL: the best this CPU runs */
  int (*progress)(void* user, float share_done); /* [NULL] 0..1 */
  void* progress_user;
  int (*log)(void* user, lh_text line); /* [NULL] what is found and done while loading, a line at a time */
  void* log_user;
  const char* name; /* [NULL] in messages, of what has no path; and of the model where the file does not say;
                       NULL: "memory", or the descriptor's number */
  const char* const* overrides; /* [NULL] values instead of the file's own: "llama.context_length=int:8192";
                                   the types: int, float, bool (true or false), str */
  size_t override_count;        /* [0] */
} lh_load_options;

typedef struct lh_model_info {
  size_t size;
  const char* name; /* strings live as long as the model's handle */
  const char* architecture;
  const char* type; /* the most common tensor type, "Q4_K" */
  const char* isa;  /* kernels in use */
  uint64_t parameters;
  uint64_t weight_bytes;
  int32_t vocab;           /* tokens */
  int32_t trained_context; /* tokens */
  int32_t hidden, layers, heads, kv_heads;
} lh_model_info;

/* Any status of a file that is no model this library runs. Memory is mapped; the file must stay as it is. */
LH_API lh_status lh_model_load(const char* path, const lh_load_options* options, lh_model** model,
                               lh_error* error);
/* From an open regular file, which may be closed afterwards. LH_E_UNSUPPORTED: a part of a split model. */
LH_API lh_status lh_model_load_descriptor(int descriptor, const lh_load_options* options, lh_model** model,
                                          lh_error* error);
/* From a file in memory. `copy` 0: it must stay where and as it is as long as the model's handle, or anything
 * made from it, lives; else the model keeps a copy. LH_E_UNSUPPORTED as above. */
LH_API lh_status lh_model_load_memory(lh_bytes file, int copy, const lh_load_options* options,
                                      lh_model** model, lh_error* error);
LH_API void lh_model_free(lh_model* model);
/* `info->size` must be set; the fields within it are filled in. */
LH_API lh_status lh_model_get_info(const lh_model* model, lh_model_info* info, lh_error* error);

/* Oddities of the file worth telling the user once; NULL behind the last. */
LH_API const char* lh_model_warning(const lh_model* model, size_t index);

enum {
  LH_ENCODE_SPECIAL = 1,      /* begin-of-text where the model wants it */
  LH_ENCODE_PARSE_SPECIAL = 2 /* "<eos>" in the text becomes that token; never for text of users or files */
};
/* Tokens of `text`, any bytes. `flags`: LH_ENCODE_...; 0: plain text in the middle of something. */
LH_API lh_status lh_encode(const lh_model* model, lh_text text, uint32_t flags, lh_token_buffer* out,
                           lh_error* error);
/* Text of `tokens` without control tokens. LH_E_RANGE: an id that is no token. */
LH_API lh_status lh_decode(const lh_model* model, lh_tokens tokens, lh_text_buffer* out, lh_error* error);
/* Raw bytes of one token as streamed; they may end inside a UTF-8 character. LH_E_RANGE. */
LH_API lh_status lh_piece(const lh_model* model, lh_token token, lh_text_buffer* out, lh_error* error);
/* The same with control tokens written out, as they are where a text with them is encoded. */
LH_API lh_status lh_decode_written_out(const lh_model* model, lh_tokens tokens, lh_text_buffer* out,
                                       lh_error* error);
LH_API lh_status lh_piece_written_out(const lh_model* model, lh_token token, lh_text_buffer* out,
                                      lh_error* error);
/* Not 0: a model that chooses this token has finished. */
LH_API int lh_ends_generation(const lh_model* model, lh_token token);

/* ---- Metadata: what the file says, key by key ---- */

typedef enum lh_value_type {
  LH_VALUE_INTEGER = 0, /* signed, of any width */
  LH_VALUE_NATURAL = 1, /* unsigned, of any width */
  LH_VALUE_NUMBER = 2,  /* float or double */
  LH_VALUE_BOOL = 3,
  LH_VALUE_TEXT = 4
} lh_value_type;

typedef struct lh_metadata_entry {
  size_t size;
  lh_text key;        /* as long as the model's handle */
  lh_value_type type; /* of an array: of its elements */
  int32_t is_array;
  uint64_t count; /* of an array: its elements; else 1 */
} lh_metadata_entry;

typedef struct lh_value {
  lh_value_type type;
  union {
    int64_t integer;
    uint64_t natural;
    double number;
    int32_t boolean;
    lh_text text; /* bytes as the file has them, UTF-8 or not, without NUL; as long as the model's handle */
  } as;
} lh_value;
typedef struct lh_value_buffer {
  lh_value* data;
  size_t capacity;
  size_t size;
} lh_value_buffer;

/* Keys are numbered from 0 as in the file, of a split model in its first part. */
LH_API size_t lh_metadata_count(const lh_model* model);
/* `entry->size` must be set. LH_E_RANGE: no such number. */
LH_API lh_status lh_metadata_get(const lh_model* model, size_t number, lh_metadata_entry* entry,
                                 lh_error* error);
/* The number of a key; LH_E_MISSING. */
LH_API lh_status lh_metadata_find(const lh_model* model, lh_text key, size_t* number, lh_error* error);
/* All elements of an array, or the one value. LH_E_RANGE: no such number; LH_E_LIMIT: more than 2^21. */
LH_API lh_status lh_metadata_values(const lh_model* model, size_t number, lh_value_buffer* out,
                                    lh_error* error);

#ifdef __cplusplus
}
#endif

#endif
