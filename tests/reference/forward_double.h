// The forward pass of a llama in double precision, written for plainness: what the engine is compared with
// where no recorded logits reach.
#pragma once

#include <vector>

#include "engine/forward/model.h"

namespace longhand::test {

/// Logits (tokens, vocab) of every position. Serves models of architecture llama without experts.
std::vector<float> reference_llama(const ModelData& model, const std::vector<Token>& tokens);
/// Final hidden states (tokens, hidden) of the same; also where tokens see the whole text.
std::vector<float> reference_hidden(const ModelData& model, const std::vector<Token>& tokens);

}  // namespace longhand::test
