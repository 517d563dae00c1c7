// Models as Hugging Face keeps them, made into GGUF files. Of the library longhand_make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/progress.h"

namespace longhand {

/// Goes up when the same folder is converted to another file than before, so that files that are kept are
/// made again.
inline constexpr int kConverterVersion = 3;

struct ConvertOptions {
  /// What matrices are written as: "f32", "f16", "bf16", "q8_0"; "auto": what they are stored as, and BF16
  /// for 8-bit fractions. Norms, biases and other small tensors are always F32, and experts stored in MXFP4
  /// stay as they are.
  std::string type = "auto";
  /// tokenizer.ggml.pre; "": found out from tokenizer.json.
  std::string pre_tokenizer = {};
  /// Refuse weights that are NaN or infinite; those that become blocks are refused always.
  bool check_tensors = false;
  /// What a run that took as long had written when it was cancelled stays beside `out`, for the next to go
  /// on.
  double keep_seconds = 60;
  Progress progress = {};
};

struct ConvertedModel {
  std::string architecture;  // general.architecture
  std::string type;          // "BF16": of most matrices
  std::uint64_t tensors = 0, bytes = 0;
  std::vector<std::string> notes;  // what was left out, or written otherwise than asked for
};

/// Whether `path` is a folder with a config.json, as Hugging Face keeps a model.
bool is_model_folder(const std::string& path);

/// Writes the model in `folder` (config.json, model*.safetensors, tokenizer.json or tokenizer.model, and what
/// lies beside them) as the GGUF file `out`, which is there once it is whole. Weights are streamed. A run
/// that was killed, or cancelled after some time, is gone on with by the next of the same folder and options,
/// to the same bytes. Throws Error: io (also where the disk has too little space), missing, unsupported (a
/// class of models, a tokenizer, a tensor that has no place), shape, type, range, corrupt, truncated, limit,
/// duplicate, mismatch, nonfinite, cancelled.
ConvertedModel convert_model(const std::string& folder, const std::string& out,
                             const ConvertOptions& options = {});

}  // namespace longhand
