// What a Speculation is made of.
#pragma once

#include "engine/api/access.h"
#include "engine/run/speculate/guesser.h"
#include "engine/run/speculate/pace.h"
#include "engine/run/speculate/rewind_room.h"

namespace longhand {

struct Speculation::Impl {
  std::unique_ptr<Guesser> guesser;
  RewindRoom room;
  Pace pace;
  int most;
  bool adapt;
};

}  // namespace longhand
