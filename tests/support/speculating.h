// Texts written with guesses and without, compared in all that is left of them.
#pragma once

#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::test {

struct SpeculationCase {
  SessionOptions session = {.context = 128, .key_cache = CacheType::f32, .value_cache = CacheType::f32};
  SamplerOptions sampler = {.seed = 7, .temperature = 0};
  GenerateOptions generate = {.max_tokens = 60};
  int calls = 1 << 30;  // of on_text, the last of which ends the text
};

/// All that is left of a text, and of the one after it.
struct Outcome {
  std::string text, streamed;
  std::vector<Token> tokens, held, after;
  StopReason reason, reason_after;
  std::vector<float> logits;
  int feeds = 0, guesses = 0, right = 0;
};

Outcome write(const Model& model, const std::vector<Token>& prompt, const SpeculationCase& c,
              const SpeculationOptions* how);

/// What was written with guesses, expected to be what is written without.
Outcome expect_same(const Model& model, const std::vector<Token>& prompt, const SpeculationCase& c,
                    const SpeculationOptions& how);

/// Guesses made whatever they cost: what is tested must not depend on the clock.
inline SpeculationOptions lookup(int most = 7) { return {.most = most, .adapt = false}; }
inline SpeculationOptions draft(const Model& m, int most = 5) {
  return {.draft = m, .most = most, .adapt = false};
}

}  // namespace longhand::test
