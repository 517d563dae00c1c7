/* What changes a model from outside, one session at a time: adapters of low rank (LoRA) and control vectors.
 * Included by longhand_c.h.
 *
 *   lh_adapter* adapter;
 *   lh_adapter_load(model, "adapter.gguf", &adapter, &error);
 *   lh_adapter_use use = {adapter, 0.5f};
 *   lh_session_set_adapters(session, &use, 1, NULL, 0, &error);
 *
 * Both are immutable; any number of threads and sessions may use them, and they may be freed before the
 * sessions, which share what they need.
 */
#ifndef LONGHAND_ENGINE_LONGHAND_C_ADAPTER_H
#define LONGHAND_ENGINE_LONGHAND_C_ADAPTER_H

#include "engine/longhand_c.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lh_adapter lh_adapter;
typedef struct lh_control_vector lh_control_vector;

/* From a GGUF file as llama.cpp makes them, for this model. Statuses of lh_model_load() of a file;
 * LH_E_UNSUPPORTED: no adapter, or of a kind that is not computed here; LH_E_MISMATCH: of another
 * architecture; LH_E_MISSING: half of a pair, or a tensor that the model has not; LH_E_SHAPE. The message
 * names file, tensor and both shapes. */
LH_API lh_status lh_adapter_load(const lh_model* model, const char* path, lh_adapter** adapter,
                                 lh_error* error);
/* From a file in memory, which is not needed any more afterwards. */
LH_API lh_status lh_adapter_load_memory(const lh_model* model, lh_bytes file, lh_adapter** adapter,
                                        lh_error* error);
LH_API void lh_adapter_free(lh_adapter* adapter);

typedef struct lh_adapter_info {
  lh_text name;    /* the file's; lives as long as the adapter */
  int32_t tensors; /* of the model that it changes */
  int32_t rank;    /* the greatest */
  float alpha;     /* 0: the file states none */
  uint64_t bytes;  /* memory it takes */
} lh_adapter_info;
/* All zero for NULL. */
LH_API lh_adapter_info lh_adapter_about(const lh_adapter* adapter);

/* Tensors direction.N (hidden), N from 1: added behind the layer numbered N, where the first layer is 0.
 * Statuses of lh_adapter_load(). */
LH_API lh_status lh_control_vector_load(const lh_model* model, const char* path, lh_control_vector** vector,
                                        lh_error* error);
/* From a file in memory, which is not needed any more afterwards. */
LH_API lh_status lh_control_vector_load_memory(const lh_model* model, lh_bytes file,
                                               lh_control_vector** vector, lh_error* error);
LH_API void lh_control_vector_free(lh_control_vector* vector);

typedef struct lh_adapter_use {
  const lh_adapter* adapter;
  float scale; /* 0: it is not computed */
} lh_adapter_use;
typedef struct lh_control_use {
  const lh_control_vector* vector;
  float scale;
  int32_t first_layer, last_layer; /* only these get their direction; both 0: all */
} lh_control_use;

/* What is computed beside the model from now on, in place of what was before. LH_E_BUSY: the session holds
 * tokens, whose keys and values belong to what they were computed with; rewind it to 0 first. LH_E_MISMATCH:
 * loaded for another model; LH_E_RANGE, LH_E_LIMIT (more than 64), LH_E_NO_MEMORY. Then nothing has changed.
 */
LH_API lh_status lh_session_set_adapters(lh_session* session, const lh_adapter_use* adapters,
                                         size_t adapter_count, const lh_control_use* controls,
                                         size_t control_count, lh_error* error);

#ifdef __cplusplus
}
#endif

#endif
