// Told once: the text has outgrown what the model was trained on, or can make use of.
#pragma once

#include "engine/longhand.h"

namespace longhand::cli {

class ReachNote {
 public:
  /// `session` was made with `options`.
  ReachNote(const Session& session, const SessionOptions& options);

  /// On stderr, in one line, when a text of `size` tokens is the first that is so long.
  void tell(int size);

 private:
  int context_, near_, reach_;
  bool told_ = false;
};

}  // namespace longhand::cli
