// Smaller models: files whose matrices are kept in other tensor types. Part of the library longhand_make.
//
//   longhand::quantize("model-f16.gguf", "model-q4.gguf", {.type = "Q4_K_M"});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/progress.h"

namespace longhand {

/// The type of the tensors whose names hold a match of a pattern.
struct TensorTypeRule {
  std::string pattern;  ///< a regular expression (ECMAScript), letters of either case
  std::string type;     ///< "Q6_K"
};

struct QuantizeOptions {
  std::string type = {};  ///< one of quantize_types(); empty with a target, for which types are chosen
  /// A file of mean squared inputs, as make_imatrix() writes it; empty: all weights of a tensor count the
  /// same.
  std::string importance = {};
  std::vector<TensorTypeRule> tensor_types = {};  ///< the first that fits a tensor decides
  std::string output_type = {};                   ///< of the output head
  std::string embedding_type = {};                ///< of the token embeddings
  bool pure = false;                              ///< every matrix becomes the recipe's main type
  bool leave_output = false;                      ///< the output head stays as it is
  bool keep_split = false;        ///< as many files as the source has, named OUT-00001-of-00003.gguf
  bool allow_requantize = false;  ///< also what is quantized already
  bool check_tensors = false;     ///< looks for NaN and infinity in all tensors before anything is written
  /// Instead of a type: the size the new files may have, or the bits of a weight. Types are chosen for each
  /// tensor so that the error is least.
  std::uint64_t target_bytes = 0;
  double target_bits = 0;
  int threads = 0;  ///< 0: OMP_NUM_THREADS, else as many as there are cores
  /// What a run that took as long had written when it was cancelled stays beside `out`, for the next to go
  /// on.
  double keep_seconds = 60;
  Progress progress = {};
};

struct QuantizedTensor {
  std::string name;
  std::vector<std::uint64_t> dims;  ///< dims[0] is contiguous
  std::string from, to;             ///< types
  std::string wanted;  ///< the type that was asked for, where rows are no whole blocks of it; else empty
  std::uint64_t bytes_before = 0, bytes = 0;
  bool weighed = false;  ///< whether the importance of its columns is known
};

struct QuantizeReport {
  std::vector<QuantizedTensor> tensors;       ///< in the order of the file
  std::vector<std::string> files;             ///< that were written, or would be
  std::uint64_t bytes_before = 0, bytes = 0;  ///< of all tensors
  std::uint64_t file_bytes = 0;               ///< of the new files
  std::uint64_t weights = 0;
  std::string refusal = {};  ///< of plan_quantize(): why quantize() would refuse for want of importance

  double bits_before() const { return weights == 0 ? 0 : 8.0 * double(bytes_before) / double(weights); }
  double bits() const { return weights == 0 ? 0 : 8.0 * double(bytes) / double(weights); }
};

/// Names of recipes: "Q4_K_M".
std::vector<std::string> quantize_types();

/// Writes the model `in` with other tensor types to `out`, a row of blocks at a time: neither file is ever in
/// memory as a whole. `out` is written whole or not at all. What a run wrote that was killed, or cancelled
/// after some time, the next run of the same source and options goes on with, to the same bytes. Throws
/// Error: range (options), io (also where the disk has too little room, or `out` is `in`), unsupported (a
/// type that cannot be read or written, tensors that are quantized already), nonfinite (naming tensor, row
/// and column), missing (no importance for a type that needs it), mismatch (an importance matrix of another
/// model), limit (a target that cannot be met), cancelled; and what opening the files throws.
QuantizeReport quantize(const std::string& in, const std::string& out, const QuantizeOptions& options);
/// What quantize() would do. Writes nothing, and reads weights only for a target or where tensors are
/// checked. Throws the same, but for missing importance and for what `out` is.
QuantizeReport plan_quantize(const std::string& in, const std::string& out, const QuantizeOptions& options);

}  // namespace longhand
