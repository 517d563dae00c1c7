// Adds up what a model's matrices are multiplied with.
#pragma once

#include <unordered_map>

#include "engine/forward/matmul_stage.h"
#include "engine/forward/model.h"
#include "engine/make/imatrix/importance.h"

namespace longhand {

class ImportanceCollector final : public MatmulObserver {
 public:
  /// Adds to the entries of `matrix`, of the matrices inside the layers of `model`, and of its output head
  /// where that is wanted; both must outlive it. Throws Error(mismatch) for entries of another model.
  ImportanceCollector(const ModelData& model, bool output, ImportanceMatrix& matrix);

  void see(const Worker& worker, std::span<const MatmulJob> jobs) noexcept override;

 private:
  struct Target {
    float* sums;   // (columns)
    float* count;  // null where another matrix of the tensor counts
  };
  std::unordered_map<const Linear*, Target> targets_;
};

}  // namespace longhand
