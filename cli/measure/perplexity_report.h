// Results of a perplexity run and the forms they are written in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/measure/kl_stats.h"
#include "cli/measure/perplexity_score.h"
#include "engine/longhand.h"

namespace longhand::cli {

struct PerplexityReport {
  std::string model_file;
  ModelInfo model;
  int context = 0, first = 0;  // tokens of a chunk, and the position from which on what follows is scored
  int threads = 0;
  std::size_t chunks = 0;
  MeanLoss loss;
  std::vector<PositionBucket> buckets;  // empty unless asked for
  std::optional<KlStats> kl;
  std::int64_t tokens_read = 0;
  double seconds = 0;
};

std::string perplexity_text(const PerplexityReport& report);
std::string perplexity_json(const PerplexityReport& report);

}  // namespace longhand::cli
