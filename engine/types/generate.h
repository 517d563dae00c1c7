// What generate() is told, and what it tells.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/probability.h"
#include "engine/types/token.h"
#include "ops/error.h"

namespace longhand {

class Speculation;

enum class StopReason : std::uint8_t {
  end_of_generation,
  stop_string,
  max_tokens,
  context_full,
  cancelled,
  callback
};
LONGHAND_API std::string_view stop_reason_name(StopReason reason) noexcept;

struct GenerateOptions {
  int max_tokens = -1;                 ///< -1: until the model ends or the context is full
  std::vector<std::string> stop = {};  ///< the text ends before the first of these
  std::vector<Token> written_out =
      {};                              ///< control tokens that are part of the text; others add nothing to it
  Speculation* speculation = nullptr;  ///< guesses to compute ahead, made for this session; not owned
  /// Probabilities of each token, with so many of the likeliest at its place; 0: of the token alone;
  /// negative: none.
  int top_log_probabilities = -1;
  /// Told each token before its text is, with the probabilities asked for; returning false ends the text
  /// behind it.
  std::function<bool(const TokenStep&)> on_token = {};
};

struct GenerateResult {
  std::string text;           // valid UTF-8, without the stop string
  std::vector<Token> tokens;  // sampled, without the one that ended the text
  StopReason reason = StopReason::end_of_generation;
  int prompt_tokens = 0;
  double prompt_seconds = 0;  // reading the prompt
  double decode_seconds = 0;  // writing the answer
  int feeds = 0;              // computations while writing; fewer than tokens where guesses came true
  int guesses = 0, right_guesses = 0;
  std::vector<TokenStep> steps = {};  // of `tokens`, where probabilities were asked for
};

}  // namespace longhand
