// How the importance of columns is spread.

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/longhand_imatrix.h"
#include "engine/make/imatrix/importance.h"
#include "engine/make/quantize/tensor_category.h"

namespace longhand {
namespace {

constexpr double kActive = 1e-5;

// Mean squared inputs of all columns, but for matrices that saw none.
std::vector<double> seen_means(const ImportanceEntry& entry) {
  const std::size_t cols = entry.sums.size() / entry.counts.size();
  std::vector<double> means;
  for (std::size_t i = 0; i < entry.sums.size(); ++i) {
    const double count = double(entry.counts[i / cols]);
    if (count > 0) means.push_back(double(entry.sums[i]) / count);
  }
  return means;
}

template <class Test>
double share_of(const std::vector<double>& values, const Test& test) {
  return double(std::ranges::count_if(values, test)) / double(values.size());
}

double entropy_of(const std::vector<double>& means, double sum) {
  double entropy = 0;
  for (const double mean : means) {
    if (mean > 0) entropy -= mean / sum * std::log2(mean / sum);
  }
  return entropy;
}

// The same tensor of the layer before, or null.
const ImportanceEntry* before(const ImportanceMatrix& matrix, const std::string& name, int layer) {
  constexpr std::string_view kLayer = "blk.";
  const std::size_t end = name.find('.', kLayer.size());
  if (layer < 1 || end == std::string::npos) return nullptr;
  const std::string rest = name.substr(end);
  const auto found = matrix.entries.find(std::string(kLayer) + std::to_string(layer - 1) + rest);
  return found == matrix.entries.end() ? nullptr : &found->second;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double(a[i]) * double(b[i]);
    aa += double(a[i]) * double(a[i]);
    bb += double(b[i]) * double(b[i]);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

ImatrixStatistics statistics_of(const std::string& name, const ImportanceEntry& entry) {
  ImatrixStatistics s;
  s.tensor = name;
  s.layer = layer_of(name);
  const std::vector<double> means = seen_means(entry);
  s.columns = std::int64_t(means.size());
  if (means.empty()) return s;
  double squares = 0;
  for (const double mean : means) {
    s.sum += mean;
    squares += mean * mean;
  }
  s.least = *std::ranges::min_element(means);
  s.most = *std::ranges::max_element(means);
  s.mean = s.sum / double(means.size());
  s.deviation = std::sqrt(std::max(0.0, squares / double(means.size()) - s.mean * s.mean));
  s.active = share_of(means, [](double m) { return m > kActive; });
  if (s.sum > 0) s.entropy = entropy_of(means, s.sum);
  if (s.deviation > 0) s.outliers = share_of(means, [&](double m) { return m > s.mean + s.deviation; });
  return s;
}

}  // namespace

std::vector<ImatrixStatistics> imatrix_statistics(const std::string& path) {
  const ImportanceMatrix matrix = read_importance(path);
  std::vector<ImatrixStatistics> all;
  for (const auto& [name, entry] : matrix.entries) {
    all.push_back(statistics_of(name, entry));
    if (const auto* earlier = before(matrix, name, all.back().layer))
      all.back().similarity = cosine(entry.sums, earlier->sums);
  }
  std::ranges::stable_sort(all, {}, &ImatrixStatistics::layer);
  return all;
}

}  // namespace longhand
