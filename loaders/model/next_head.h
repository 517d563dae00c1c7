// The prediction layer behind a model's last one: from a token and the final hidden state before it, it
// foresees the token after (multi-token prediction, DeepSeek-V3, arXiv 2412.19437, section 2.2).
#pragma once

#include "loaders/model/config.h"
#include "loaders/model/weights.h"

namespace longhand {

/// A model of one layer, whose input is Weights::next_input. What it shares with `trunk` refers to that.
struct NextHead {
  ModelConfig config;
  Weights weights;
};
/// Throws Error: unsupported (there is none, or it is of an architecture whose heads are not run), and what
/// load_weights() throws.
NextHead load_next_head(const Gguf& file, const ModelConfig& config, const Weights& trunk);

}  // namespace longhand
