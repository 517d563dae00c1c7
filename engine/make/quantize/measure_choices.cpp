// What each type of a tensor costs and loses, measured on some of its rows.

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>

#include "engine/make/quantize/choose_types.h"
#include "engine/make/quantize/tensor_rows.h"
#include "ops/encode/encode.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

// Weights of a tensor that are looked at.
constexpr std::uint64_t kSample = 1 << 17;
constexpr std::uint64_t kLeastRows = 4;

constexpr const FormatInfo* kCandidates[] = {
    &IQ1_S::info,   &IQ1_M::info, &IQ2_XXS::info, &IQ2_XS::info, &IQ2_S::info, &Q2_K::info, &Q3_K::info,
    &IQ3_XXS::info, &IQ3_S::info, &IQ4_XS::info,  &IQ4_NL::info, &Q4_0::info,  &Q4_K::info, &Q5_0::info,
    &Q5_1::info,    &Q5_K::info,  &Q6_K::info,    &Q8_0::info,   &F16::info};

/// How much the relative error of a tensor counts, where others count 1.
struct Weight {
  TensorCategory category;
  double weight;
};
// As the sensitivities of small trained models have them. Heads are large and read at every token, and
// nothing behind them hides their error. What goes into the stream as it is counts more than what scores are
// made of.
constexpr Weight kWeights[] = {{TensorCategory::output, 60}, {TensorCategory::embedding, 2},
                               {TensorCategory::query, 0.5}, {TensorCategory::key, 0.5},
                               {TensorCategory::value, 2},   {TensorCategory::attention_output, 2},
                               {TensorCategory::ffn_down, 6}};
// All layers read what the first one writes, and the head what the last one does.
constexpr double kFirstLayer = 8, kLastLayer = 2;

double factor_of(const PlannedTensor& t, bool tied, int last_layer) {
  const bool head = tied && t.category == TensorCategory::embedding;
  const auto category = head ? TensorCategory::output : t.category;
  const auto found = std::ranges::find(kWeights, category, &Weight::category);
  const double weight = found == std::end(kWeights) ? 1 : found->weight;
  const int layer = layer_of(t.tensor->name);
  return weight * (layer == 0 ? kFirstLayer : layer > 0 && layer == last_layer ? kLastLayer : 1);
}

/// What errors of each tensor of a plan cost.
class Costs {
 public:
  Costs(const Gguf& file, const QuantizePlan& plan) : tied_(file.find_tensor("output.weight") == nullptr) {
    for (const PlannedTensor& t : plan.tensors) last_layer_ = std::max(last_layer_, layer_of(t.tensor->name));
    double measured = 0, factors = 0;
    for (const PlannedTensor& t : plan.tensors) {
      if (!t.sensitivity) continue;
      measured += *t.sensitivity;
      factors += factor_of(t, tied_, last_layer_);
    }
    if (measured > 0) unit_ = measured / factors;
  }

  double of(const PlannedTensor& t) const {
    return t.sensitivity.value_or(unit_ * factor_of(t, tied_, last_layer_));
  }

 private:
  bool tied_;
  int last_layer_ = -1;
  double unit_ = 1;  // what a factor of 1 is worth beside those that were measured
};

/// Some rows of a tensor, with what their columns count.
struct Sample {
  struct Rows {
    std::vector<float> weights;     // (rows, cols) of one matrix
    std::vector<float> importance;  // (cols) for encoding; or empty
    std::vector<float> counts;      // (cols) for errors, as often as the matrix is used; or empty
  };
  std::vector<Rows> matrices;
};

Sample take_sample(const Gguf& file, const PlannedTensor& t) {
  const std::uint64_t rows = t.rows(), cols = t.cols(), per_matrix = rows / t.matrices();
  const std::uint64_t count = std::min(rows, std::max(kLeastRows, kSample / cols));
  const std::vector<float> means =
      t.importance == nullptr ? std::vector<float>() : t.importance->means(cols, t.matrices());
  Sample sample;
  std::uint64_t last = ~std::uint64_t{0};
  std::vector<float> row(cols);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t r = (2 * i + 1) * rows / (2 * count), m = r / per_matrix;
    if (m != last) {
      Sample::Rows& matrix = sample.matrices.emplace_back();
      if (!means.empty()) {
        const auto of = [&](const std::vector<float>& values) {
          const auto begin = values.begin() + std::ptrdiff_t(m * cols);
          return std::vector<float>(begin, begin + std::ptrdiff_t(cols));
        };
        matrix.importance = of(means);
        matrix.counts = of(t.importance->sums);
      }
      last = m;
    }
    decode_rows(file, *t.tensor, r, 1, row);
    auto& to = sample.matrices.back().weights;
    to.insert(to.end(), row.begin(), row.end());
  }
  return sample;
}

double energy_of(const Sample& sample, std::size_t cols) {
  double sum = 0;
  for (const Sample::Rows& m : sample.matrices) {
    for (std::size_t i = 0; i < m.weights.size(); ++i) {
      const double w = double(m.weights[i]) * double(m.weights[i]);
      sum += m.counts.empty() ? w : w * double(m.counts[i % cols]);
    }
  }
  return sum;
}

double error_of(const Sample& sample, FormatId format, std::int64_t cols) {
  double sum = 0;
  std::vector<std::byte> bytes;
  for (const Sample::Rows& m : sample.matrices) {
    const auto rows = std::int64_t(m.weights.size()) / cols;
    bytes.resize(std::size_t(rows) * row_bytes(format, cols));
    encode_rows(format, m.weights.data(), rows, cols, m.importance, bytes.data());
    sum += encode_error(format, m.weights.data(), rows, cols, m.counts, bytes.data());
  }
  return sum;
}

double bits_of(const FormatInfo& info) { return 8.0 * info.block_bytes / info.block_elements; }

// Types that are much smaller than what is left for a weight on average: the choice would have to be far from
// even for one of them. The largest type below the average stays, so that there is a choice that fits.
std::size_t count_too_small(std::span<const FormatInfo* const> by_size, double average_bits) {
  constexpr double kShare = 0.6;
  const auto below = [&](double bits) {
    return std::ranges::count_if(by_size, [&](const FormatInfo* i) { return bits_of(*i) < bits; });
  };
  const auto small = std::size_t(below(kShare * average_bits)), fitting = std::size_t(below(average_bits));
  return std::min(small, fitting == 0 ? 0 : fitting - 1);
}

// By size.
std::vector<const FormatInfo*> candidates(const PlannedTensor& t, double average_bits) {
  std::vector<const FormatInfo*> fitting;
  for (const FormatInfo* info : kCandidates) {
    const auto format = FormatId(find_format(info->gguf));
    if (t.cols() % info->block_elements != 0 || !can_encode(format)) continue;
    if (!needs_importance(format) || t.importance != nullptr) fitting.push_back(info);
  }
  std::ranges::stable_sort(fitting, {}, [](const FormatInfo* info) { return bits_of(*info); });
  fitting.erase(fitting.begin(), fitting.begin() + std::ptrdiff_t(count_too_small(fitting, average_bits)));
  return fitting;
}

double relative_error_of(const Sample& sample, const PlannedTensor& t, const FormatInfo& info) {
  const double energy = energy_of(sample, t.cols());
  const double error = error_of(sample, FormatId(find_format(info.gguf)), std::int64_t(t.cols()));
  return energy > 0 ? error / energy : 0;
}

std::vector<TypeChoice> measure(const Gguf& file, const PlannedTensor& t, double cost, double average_bits) {
  const Sample sample = take_sample(file, t);
  std::vector<TypeChoice> choices;
  for (const FormatInfo* info : candidates(t, average_bits))
    choices.push_back({info->gguf, t.bytes_as(info->gguf), cost * relative_error_of(sample, t, *info)});
  return choices;
}

}  // namespace

double relative_error(const Gguf& file, const PlannedTensor& t, const FormatInfo& format) {
  return relative_error_of(take_sample(file, t), t, format);
}

std::vector<std::vector<TypeChoice>> measure_choices(const Gguf& file, const QuantizePlan& plan,
                                                     const MeasureOptions& options) {
  const Costs costs(file, plan);
  std::vector<std::vector<TypeChoice>> all(plan.tensors.size());
  const auto n = std::int64_t(plan.tensors.size());
  std::exception_ptr failure;
  std::mutex mutex;
  std::int64_t done = 0;
#pragma omp parallel for num_threads(options.threads) schedule(dynamic, 1)
  for (std::int64_t i = 0; i < n; ++i) {
    try {
      {
        const std::lock_guard lock(mutex);
        if (failure) continue;
      }
      const PlannedTensor& t = plan.tensors[std::size_t(i)];
      auto& choices = all[std::size_t(i)];
      if (t.open && !t.ruled) choices = measure(file, t, costs.of(t), options.average_bits);
      if (choices.empty()) choices = {{t.type, t.bytes(), 0}};
      const std::lock_guard lock(mutex);
      if (options.progress && !options.progress(float(++done) / float(n)))
        throw Error(Errc::cancelled, "measuring tensor types was cancelled");
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return all;
}

}  // namespace longhand
