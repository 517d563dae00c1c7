// What errors of single tensors do to a model's predictions.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/longhand_imatrix.h"
#include "engine/make/imatrix/importance.h"
#include "engine/make/imatrix/text_pieces.h"
#include "engine/make/quantize/choose_types.h"
#include "engine/make/quantize/tensor_rows.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/mapped_file.h"
#include "ops/encode/encode.h"
#include "ops/format.h"

namespace longhand {
namespace {

constexpr int kDefaultContext = 512;
// Logits of the unchanged model that are kept; with more, an even sample of the positions is compared.
constexpr std::size_t kMostLogits = std::size_t{1} << 26;
// Types of three to four bits: their error is far above what arithmetic adds, and small enough for the
// divergence to be in proportion to it. The first whose blocks fit the columns is taken.
constexpr const FormatInfo* kProbes[] = {&Q3_K::info, &IQ4_NL::info};

// nullptr for a tensor that cannot be changed.
const FormatInfo* probe_for(const PlannedTensor& t) {
  if (!can_encode(FormatId(find_format(t.tensor->type_id)))) return nullptr;
  const auto* const fitting = std::ranges::find_if(
      kProbes, [&](const FormatInfo* info) { return t.cols() % info->block_elements == 0; });
  return fitting == std::end(kProbes) ? nullptr : *fitting;
}

double log_sum(std::span<const float> logits) {
  const double most = double(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float x : logits) sum += std::exp(double(x) - most);
  return most + std::log(sum);
}

/// Of what `other` predicts from what `base` does, in nats; not finite where a prediction is not.
double divergence(std::span<const float> base, std::span<const float> other) {
  const double of_base = log_sum(base), of_other = log_sum(other);
  double sum = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const double log_p = double(base[i]) - of_base, log_q = double(other[i]) - of_other;
    const double p = std::exp(log_p);
    if (p != 0) sum += p * (log_p - log_q);
  }
  return sum;
}

/// Gives the tensor of `changed`, a second view of `file`'s bytes, the weights it has after a way through
/// another type.
void put_through(const Gguf& file, const PlannedTensor& planned, const FormatInfo& type,
                 const Gguf& changed) {
  PlannedTensor t = planned;
  t.type = type.gguf;
  const auto source = FormatId(find_format(t.tensor->type_id)), probe = FormatId(find_format(type.gguf));
  const auto cols = std::int64_t(t.cols());
  const std::size_t row = row_bytes(source, cols);
  const std::span<std::byte> to = open_for_change(changed.find_tensor(t.tensor->name)->data);
  std::vector<float> weights;
  encode_tensor(file, t, omp_get_max_threads(),
                [&](std::uint64_t first, std::uint64_t count, std::span<const std::byte> rows) {
                  weights.resize(count * t.cols());
                  decode_rows(probe, rows.data(), std::int64_t(count), cols, weights.data());
                  encode_rows(source, weights.data(), std::int64_t(count), cols, {}, to.data() + first * row);
                });
}

/// Compares models with an unchanged one on a text.
class Comparison {
 public:
  /// Told the share of a reading that is done; may throw.
  using Tick = std::function<void(double)>;

  Comparison(const Model& base, std::span<const Token> tokens, const SensitivityOptions& options)
      : options_(options),
        pieces_(tokens, options.session.context, options.chunks),
        vocab_(base.info().vocab) {
    const std::size_t positions = std::size_t(pieces_.count()) * std::size_t(options.session.context);
    const std::size_t room = std::max<std::size_t>(1, kMostLogits / std::size_t(vocab_));
    step_ = (positions + room - 1) / room;
    base_.reserve((positions + step_ - 1) / step_ * std::size_t(vocab_));
  }

  std::int64_t positions() const noexcept { return std::int64_t(base_.size()) / vocab_; }
  void read_base(const Model& base, const Tick& tick) {
    each_position(base, tick, [&](std::span<const float> logits) {
      if (!std::isfinite(log_sum(logits)))
        throw Error(Errc::nonfinite, "predictions of the unchanged model are not finite");
      base_.insert(base_.end(), logits.begin(), logits.end());
    });
  }
  /// The mean over positions.
  double divergence_of(const Model& model, const Tick& tick) const {
    double sum = 0;
    std::size_t at = 0;
    each_position(model, tick, [&](std::span<const float> logits) {
      sum += divergence(std::span(base_).subspan(at, logits.size()), logits);
      at += logits.size();
    });
    const double mean = sum / double(positions());
    return mean < 0 ? 0 : mean;  // what is no number stays so, for the caller to see
  }

 private:
  template <class Visit>
  void each_position(const Model& model, const Tick& tick, const Visit& visit) const {
    Session session(model, options_.session);
    std::size_t seen = 0;
    for (std::int64_t p = 0; p < pieces_.count(); ++p) {
      session.rewind(0);
      tick(double(p) / double(pieces_.count()));
      session.feed(pieces_.at(p, model_data(model).tokenizer.vocab()),
                   [&](int, std::span<const float> logits) {
                     if (seen++ % step_ == 0) visit(logits);
                   });
    }
  }

  const SensitivityOptions& options_;
  TextPieces pieces_;
  std::int64_t vocab_;
  std::size_t step_ = 1;     // every so many positions are compared
  std::vector<float> base_;  // (positions, vocab) logits of the unchanged model
};

/// Measures the tensors of one model in turn.
class SensitivityRun {
 public:
  SensitivityRun(Gguf file, const std::string& model, std::span<const Token> tokens,
                 const ImportanceMatrix& matrix, const SensitivityOptions& options)
      : path_(model),
        options_(options),
        file_(std::move(file)),
        plan_(plan_types(file_, &matrix, {.type = "F16", .allow_requantize = true})) {
    for (const PlannedTensor& t : plan_.tensors) {
      if (t.open && !t.sensitivity && probe_for(t) != nullptr) left_.push_back(&t);
    }
    if (left_.empty()) return;
    const Model base = Model::load(path_, options_.load);
    comparison_.emplace(base, tokens, options_);
    comparison_->read_base(base, ticks());
  }

  const Gguf& file() const noexcept { return file_; }
  /// Those that are to be measured.
  std::span<const PlannedTensor* const> left() const noexcept { return left_; }
  std::int64_t positions() const noexcept { return comparison_ ? comparison_->positions() : 0; }

  double measure(const PlannedTensor& t) {
    ++readings_;
    const FormatInfo& probe = *probe_for(t);
    const double error = relative_error(file_, t, probe);
    if (error == 0) return 0;
    Gguf changed = Gguf::open(path_);
    put_through(file_, t, probe, changed);
    const Model model =
        Access::model(std::make_shared<const ModelData>(load_model(std::move(changed), options_.load)));
    return comparison_->divergence_of(model, ticks()) / error;
  }

 private:
  // Within all readings: one of the unchanged model, and one for each tensor.
  Comparison::Tick ticks() const {
    return [this](double share) {
      const double all = double(left_.size()) + 1;
      if (options_.progress && !options_.progress(float((double(readings_) + share) / all)))
        throw Error(Errc::cancelled, "measuring sensitivity was cancelled");
    };
  }

  const std::string& path_;
  const SensitivityOptions& options_;
  Gguf file_;
  QuantizePlan plan_;
  std::vector<const PlannedTensor*> left_;
  std::optional<Comparison> comparison_;
  std::size_t readings_ = 0;
};

// Values of more or less text are not to be ranked with one another.
void check_chunks(const std::string& path, ImportanceMatrix& matrix, int chunks) {
  const auto wanted = std::uint32_t(chunks);
  if (!matrix.sensitivities.empty() && matrix.sensitivity_chunks.value_or(wanted) != wanted) {
    throw Error(Errc::mismatch,
                fmt::format("{}: its sensitivities were measured on {} pieces of text (0: all), must be {}",
                            path, *matrix.sensitivity_chunks, chunks));
  }
  matrix.sensitivity_chunks = wanted;
}

}  // namespace

SensitivityReport measure_sensitivity(const std::string& model, std::span<const Token> tokens,
                                      const std::string& importance, const SensitivityOptions& given) {
  using Clock = std::chrono::steady_clock;
  SensitivityOptions options = given;
  if (options.session.context == 0) options.session.context = kDefaultContext;
  ImportanceMatrix matrix = read_importance(importance);
  check_chunks(importance, matrix, options.chunks);
  Gguf file = Gguf::open(model);
  refuse_own_file(file, model, importance);
  SensitivityRun run(std::move(file), model, tokens, matrix, options);
  Clock::time_point saved = Clock::now();
  for (const PlannedTensor* t : run.left()) {
    const double sensitivity = run.measure(*t);
    if (!std::isfinite(sensitivity)) {
      throw Error(Errc::nonfinite, fmt::format("{}: with tensor '{}' changed, predictions are not finite",
                                               run.file().name(), t->tensor->name));
    }
    matrix.sensitivities.emplace(t->tensor->name, sensitivity);
    if (std::chrono::duration<double>(Clock::now() - saved).count() < options.save_seconds) continue;
    write_importance(matrix, importance);
    saved = Clock::now();
  }
  if (!run.left().empty()) write_importance(matrix, importance);
  if (options.progress) options.progress(1);
  return {std::int64_t(matrix.sensitivities.size()), std::int64_t(run.left().size()), run.positions()};
}

}  // namespace longhand
