// How far a session's memory goes back at once.
#pragma once

#include "engine/types/session_options.h"
#include "loaders/model/config.h"

namespace longhand {

/// Full memories go back any way. Those with a window keep a batch more than they look at. Those that take
/// old text into a summary do so where a block of the window's length ends, and do not get it out again: past
/// that, a rewind would compute all of the text anew.
class RewindRoom {
 public:
  /// Of sessions of such a model made with `options`.
  RewindRoom(const ModelConfig& config, const SessionOptions& options);

  /// How many tokens may be fed on top of the next one, and be taken back, where `size` have been fed.
  int after(int size) const noexcept;

 private:
  int batch_, window_;
};

}  // namespace longhand
