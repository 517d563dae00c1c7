#include "engine/make/imatrix/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/error.h"

namespace longhand {

std::vector<float> ImportanceEntry::means(std::uint64_t cols, std::uint64_t matrices) const {
  if (sums.size() != cols * matrices || (counts.size() != 1 && counts.size() != matrices)) return {};
  std::vector<float> means(sums.size());
  for (std::uint64_t m = 0; m < matrices; ++m) {
    const float count = counts[counts.size() == 1 ? 0 : m];
    for (std::uint64_t c = 0; c < cols; ++c)
      means[m * cols + c] = count > 0 ? sums[m * cols + c] / count : 1.0f;
  }
  return means;
}

void ImportanceMatrix::add(const ImportanceMatrix& other) {
  for (const auto& [name, entry] : other.entries) {
    const auto own = entries.find(name);
    if (own == entries.end()) continue;
    if (own->second.sums.size() != entry.sums.size() || own->second.counts.size() != entry.counts.size()) {
      throw Error(Errc::mismatch,
                  fmt::format("importance of '{}' has {} sums and {} counts, must have {} and {}", name,
                              entry.sums.size(), entry.counts.size(), own->second.sums.size(),
                              own->second.counts.size()));
    }
  }
  for (const auto& [name, entry] : other.entries) {
    ImportanceEntry& own = entries[name];
    own.sums.resize(entry.sums.size());
    own.counts.resize(entry.counts.size());
    std::ranges::transform(own.sums, entry.sums, own.sums.begin(), std::plus());
    std::ranges::transform(own.counts, entry.counts, own.counts.begin(), std::plus());
  }
  for (const std::string& dataset : other.datasets) {
    if (std::ranges::find(datasets, dataset) == datasets.end()) datasets.push_back(dataset);
  }
  if (!other.entries.empty()) text_sum.reset();
  if (model_sum != other.model_sum && !other.entries.empty()) model_sum.reset();
  if (sensitivities.empty()) sensitivity_chunks = other.sensitivity_chunks;
  sensitivities.insert(other.sensitivities.begin(), other.sensitivities.end());
  chunks += other.chunks;
  chunk_size = std::max(chunk_size, other.chunk_size);
}

}  // namespace longhand
