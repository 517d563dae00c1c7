// What is kept of finished texts, for those that begin alike.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/adapt/adaptation.h"
#include "engine/api/access.h"

namespace longhand {

/// What a request wants to be there: the tokens, and what they were computed with.
struct WantedText {
  std::span<const Token> prompt;
  const std::shared_ptr<const Adaptation>& adaptation;
};

/// A session to answer a prompt with.
struct Beginning {
  Session session;
  int cached = 0;  ///< tokens of the prompt that it holds, and nothing else; all only if it has their logits
};

/// Sessions of one runner that hold a text and are not in use. The oldest by use are let go where they take
/// more than `bytes`.
class TextCache {
 public:
  TextCache(const Runner& runner, const SessionOptions& options, std::uint64_t bytes)
      : runner_(runner), options_(options), limit_(bytes) {}

  /// A session without tokens. Throws Error(no_memory).
  Session empty(const std::shared_ptr<const Adaptation>& adaptation) const;
  /// How many tokens of a prompt would not have to be computed in a session that goes on from `session`.
  static int saves(Session& session, const WantedText& wanted);

  /// The most that a kept text saves.
  int best(const WantedText& wanted);
  /// The kept text that saves most becomes the beginning, or a copy of it where most of it would be lost, or
  /// of one in use, or an empty one. Throws Error(no_memory); then all is as it was.
  Beginning take(const WantedText& wanted, std::span<Session* const> in_use);
  /// Keeps the text of a session, where there is room.
  void give(Session session) noexcept;
  /// Lets the text go that was not used for longest; false if there is none.
  bool forget_one();

  int count() const noexcept { return int(kept_.size()); }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  struct Kept {
    Session session;
    std::uint64_t bytes = 0;
  };
  void remove(std::size_t i);

  const Runner& runner_;
  const SessionOptions options_;
  const std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
  std::vector<Kept> kept_;  // longest unused first
};

}  // namespace longhand
