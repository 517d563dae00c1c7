// Models in one file or several, other metadata, and what tells two models apart. The target is
// longhand::make; no model is loaded, so all of it works for files that longhand cannot run.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/types/progress.h"

namespace longhand {

/// A part ends before the tensor that would make it larger than either; 0: no limit.
struct SplitOptions {
  std::uint64_t max_bytes = 0;  ///< of a part's tensors
  int max_tensors = 0;
  bool metadata_alone = false;  ///< the first part has no tensors
};

struct ModelPart {
  std::string path;
  int tensors = 0;
  std::uint64_t bytes = 0;  ///< of the file
};

/// The parts that split_model() would write: STEM-00001-of-00003.gguf and so on. A tensor is never divided,
/// so one that is larger than the limit makes a larger part. Throws Error: as for opening `model`; range
/// where no limit is set, or there would be too many parts.
std::vector<ModelPart> plan_split(const std::string& model, const std::string& stem, const SplitOptions&);

/// Writes the parts, each of which has its name once it is whole; where it fails, those that are there
/// already are removed again. Throws Error: as plan_split(); io, also where a part is there already;
/// cancelled.
std::vector<ModelPart> split_model(const std::string& model, const std::string& stem, const SplitOptions&,
                                   const Progress& progress = {});

/// Writes the model whose first part (or only file) is `first` as one file. Throws Error: as for opening
/// `first`; range where `out` is one of its files; io; cancelled.
void merge_model(const std::string& first, const std::string& out, const Progress& progress = {});

/// Changes of metadata, done in this order.
struct MetadataEdit {
  std::vector<std::pair<std::string, std::string>> rename = {};  ///< old key, new key
  std::vector<std::string> remove = {};
  /// "KEY=VALUE" for a key that is there and keeps its type, or "KEY=TYPE:VALUE" with a type of GGUF (u8, i8,
  /// u16, i16, u32, i32, u64, i64, f32, f64, bool, string).
  std::vector<std::string> set = {};
};

/// True where only the head of the file was written.
using EditedInPlace = bool;

/// Changes the metadata of `model`, in one file, as `out`, or as itself where `out` is empty. Where the
/// new head fits into the room of the old one nothing else is written; what it replaces lies in the file
/// `model`.head until that is done, and the next edit puts it back if it finds it. Throws Error: as for
/// opening `model`; unsupported for a model in parts; missing (a key to remove or rename); duplicate; range
/// (a value that its type does not hold; keys that say where tensors lie; the architecture removed); io;
/// cancelled.
EditedInPlace edit_metadata(const std::string& model, const std::string& out, const MetadataEdit& edit,
                            const Progress& progress = {});

/// Who has what the other has not, or not the same.
enum class Side : std::uint8_t { first, second, both };

struct KeyDifference {
  std::string key;
  Side side = Side::both;
};

/// How many weights differ by how much: |b - a| over the root mean square of the weights around.
struct ErrorHistogram {
  /// The upper ends of counts[0], counts[1], ...; the last one has none.
  static constexpr std::array<double, 7> kEnds = {1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1};
  std::uint64_t equal = 0;
  std::array<std::uint64_t, kEnds.size() + 1> counts = {};

  std::uint64_t total() const noexcept;
  void add(double error) noexcept;
  void add(const ErrorHistogram& other) noexcept;
};

struct TensorDifference {
  std::string name;
  Side side = Side::both;
  std::string first_type, second_type;                 ///< "" where it is not
  std::vector<std::uint64_t> first_dims, second_dims;  ///< dims[0] is contiguous; empty where it is not
  bool same_shape() const { return first_dims == second_dims; }
  bool compared = false;      ///< both could be decoded; else the errors say nothing
  double relative_error = 0;  ///< root of sum((b - a)^2) / sum(a^2); infinite where a is all zeros
  double largest_error = 0;   ///< largest |b - a|
  ErrorHistogram histogram = {};
};

struct ModelDifferences {
  std::vector<KeyDifference> keys;
  std::vector<TensorDifference> tensors;  ///< those that are not the same bytes of the same type and shape
  int equal_keys = 0, equal_tensors = 0;
  double relative_error = 0;      ///< of all tensors that were compared together
  ErrorHistogram histogram = {};  ///< of the same, and of the weights of equal tensors

  bool none() const noexcept { return keys.empty() && tensors.empty(); }
};

/// What tells `second` from `first`. Throws Error: as for opening either; cancelled.
ModelDifferences diff_models(const std::string& first, const std::string& second,
                             const Progress& progress = {});

}  // namespace longhand
