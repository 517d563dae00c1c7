#include "engine/make/imatrix/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "loaders/model/tensors/linear_names.h"
#include "ops/error.h"

namespace longhand {
namespace {

// Columns that are added up at once.
constexpr std::int64_t kColumns = 128;

// A batch is added up in double precision, so that the sums of many batches stay exact enough in floats.
void add_squares(const MatmulJob& job, Range columns, float* sums) noexcept {
  for (std::int64_t begin = columns.begin; begin < columns.end; begin += kColumns) {
    const std::int64_t n = std::min(kColumns, columns.end - begin);
    std::array<double, kColumns> squares{};
    for (std::int32_t t = 0; t < job.tokens; ++t) {
      const float* x = job.x->row(job.first + t) + begin;
      for (std::int64_t c = 0; c < n; ++c) squares[std::size_t(c)] += double(x[c]) * double(x[c]);
    }
    for (std::int64_t c = 0; c < n; ++c) sums[begin + c] += float(squares[std::size_t(c)]);
  }
}

bool wanted(const std::string& tensor, bool output) {
  return tensor.starts_with("blk.") || (output && tensor == "output.weight");
}

void make_room(const Gguf& file, const NamedLinear& named, ImportanceEntry& entry) {
  const std::size_t sums = std::size_t(named.linear->weight.cols) * std::size_t(named.matrices);
  const std::size_t counts = named.by_experts ? std::size_t(named.matrices) : 1;
  if (entry.sums.empty()) {
    entry.sums.resize(sums);
    entry.counts.resize(counts);
  } else if (entry.sums.size() != sums || entry.counts.size() != counts) {
    throw Error(
        Errc::mismatch,
        fmt::format("the importance matrix is of another model: it has {} sums and {} counts of '{}', {} has"
                    " {} and {}",
                    entry.sums.size(), entry.counts.size(), named.tensor, file.name(), sums, counts));
  }
}

}  // namespace

ImportanceCollector::ImportanceCollector(const ModelData& model, bool output, ImportanceMatrix& matrix) {
  const auto has = [&](const std::string& name) { return model.file.find_tensor(name) != nullptr; };
  for (const NamedLinear& named : name_linears(model.config, model.weights, has)) {
    if (!wanted(named.tensor, output)) continue;
    ImportanceEntry& entry = matrix.entries[named.tensor];
    make_room(model.file, named, entry);
    const auto at = std::size_t(named.matrix);
    float* const count = entry.counts.size() > 1 ? &entry.counts[at]
                         : at == 0               ? entry.counts.data()
                                                 : nullptr;
    targets_[named.linear] = {entry.sums.data() + at * std::size_t(named.linear->weight.cols), count};
  }
}

void ImportanceCollector::see(const Worker& worker, std::span<const MatmulJob> jobs) noexcept {
  for (const MatmulJob& job : jobs) {
    const auto found = targets_.find(job.linear);
    if (found == targets_.end() || job.tokens == 0) continue;
    const Target& target = found->second;
    add_squares(job, worker.split(job.linear->weight.cols), target.sums);
    if (worker.id == 0 && target.count != nullptr) *target.count += float(job.tokens);
  }
}

}  // namespace longhand
