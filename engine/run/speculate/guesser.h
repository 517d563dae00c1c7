// Where guesses at the next tokens come from.
#pragma once

#include <memory>
#include <span>

#include "engine/types/session_options.h"
#include "engine/types/token.h"

namespace longhand {

class Model;
class Session;

class Guesser {
 public:
  virtual ~Guesser() = default;
  /// At most `most` tokens that may follow `text` and `next`, or none; valid until the next call. What became
  /// of earlier guesses shows in the text. Throws Error as Session::feed does; then nothing is guessed.
  virtual std::span<const Token> propose(std::span<const Token> text, Token next, int most) = 0;
};

/// What followed the same tokens earlier in the text.
std::unique_ptr<Guesser> make_lookup();

/// What a smaller model would write. Throws Error: unsupported (another vocabulary), no_memory, range.
std::unique_ptr<Guesser> make_draft(const Model& draft, const Session& target, const SessionOptions& options);

/// What the prediction layer of the target's own model foresees. Throws Error: unsupported (there is none
/// that can be run), what loading it throws, no_memory, range.
std::unique_ptr<Guesser> make_next_tokens(const Session& target, const SessionOptions& options);

}  // namespace longhand
