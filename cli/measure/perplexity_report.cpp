#include "cli/measure/perplexity_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal/output_filter.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Bars start at zero, so that their lengths compare as the losses do.
std::string position_table(const std::vector<PositionBucket>& buckets) {
  constexpr double kWidest = 40;
  double most = 0;
  for (const PositionBucket& bucket : buckets) most = std::max(most, bucket.loss.mean());
  std::string out =
      fmt::format("\n{:>15}  {:>8}  {:>8}  {:>12}\n", "position", "tokens", "loss", "perplexity");
  for (const PositionBucket& bucket : buckets) {
    const double loss = bucket.loss.mean();
    const int width = most > 0 ? int(std::lround(loss / most * kWidest)) : 0;
    out += fmt::format("{:>7}-{:<7}  {:>8}  {:>8.4f}  {:>12.4f}  {:=<{}}\n", bucket.from, bucket.to - 1,
                       bucket.loss.count(), loss, bucket.loss.perplexity(), "", width);
  }
  return out;
}

std::string kl_text(const KlStats& kl, double perplexity) {
  std::string out = "\n";
  out += fmt::format("KL divergence   mean {:.6f} +/- {:.6f}, median {:.6f}, 99 % {:.6f}, largest {:.6f}\n",
                     kl.mean(), kl.standard_error(), kl.quantile(0.5), kl.quantile(0.99), kl.quantile(1));
  out += fmt::format("same top token  {:.2f} %\n", kl.top_agreement() * 100);
  out += fmt::format("perplexity      {:.4f} of the base, ratio {:.4f}\n", kl.base_perplexity(),
                     perplexity / kl.base_perplexity());
  out += fmt::format("p(next token)   changed by {:+.3f} % on average, {:.3f} % root mean square\n",
                     kl.mean_change() * 100, kl.rms_change() * 100);
  return out;
}

double rate(const PerplexityReport& report) {
  return report.seconds > 0 ? double(report.tokens_read) / report.seconds : 0;
}

}  // namespace

std::string perplexity_text(const PerplexityReport& r) {
  std::string out;
  out += fmt::format("perplexity      {:.4f} +/- {:.4f}\n", r.loss.perplexity(), r.loss.perplexity_error());
  out +=
      fmt::format("loss            {:.5f} +/- {:.5f} nats a token\n", r.loss.mean(), r.loss.standard_error());
  out += fmt::format("scored          {} tokens, from position {} on, in {} {} of {}\n", r.loss.count(),
                     r.first + 1, r.chunks, r.chunks == 1 ? "chunk" : "chunks", r.context);
  out += fmt::format("read            {} tokens, {:.1f}/s\n", r.tokens_read, rate(r));
  if (!r.buckets.empty()) out += position_table(r.buckets);
  if (r.kl) out += kl_text(*r.kl, r.loss.perplexity());
  return out;
}

std::string perplexity_json(const PerplexityReport& r) {
  Json json = {{"build", LONGHAND_VERSION},
               {"model_filename", make_visible(r.model_file)},
               {"isa", r.model.isa},
               {"n_threads", r.threads},
               {"context", r.context},
               {"first", r.first},
               {"chunks", r.chunks},
               {"tokens_scored", r.loss.count()},
               {"perplexity", r.loss.perplexity()},
               {"perplexity_stderr", r.loss.perplexity_error()},
               {"loss", r.loss.mean()},
               {"loss_stderr", r.loss.standard_error()},
               {"tokens_read", r.tokens_read},
               {"seconds", r.seconds},
               {"tokens_per_second", rate(r)}};
  for (const PositionBucket& bucket : r.buckets) {
    json["by_position"].push_back({{"from", bucket.from},
                                   {"to", bucket.to},
                                   {"tokens", bucket.loss.count()},
                                   {"loss", bucket.loss.mean()},
                                   {"loss_stderr", bucket.loss.standard_error()}});
  }
  if (r.kl) {
    json["kl"] = {{"mean", r.kl->mean()},
                  {"mean_stderr", r.kl->standard_error()},
                  {"median", r.kl->quantile(0.5)},
                  {"p99", r.kl->quantile(0.99)},
                  {"max", r.kl->quantile(1)},
                  {"top_agreement", r.kl->top_agreement()},
                  {"base_perplexity", r.kl->base_perplexity()},
                  {"p_next_mean_change", r.kl->mean_change()},
                  {"p_next_rms_change", r.kl->rms_change()}};
  }
  return json.dump(2) + "\n";
}

}  // namespace longhand::cli
