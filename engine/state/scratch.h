// Scratch memory of one worker.
#pragma once

#include <vector>

#include "ops/buffer.h"

namespace longhand {

struct WorkerScratch {
  Buffer panel;           // one interleaved panel, where weights lie in rows
  Buffer scores;          // (kAttendRows, kAttendKeys)
  Buffer acc;             // (kAttendRows + 3, largest size of a head)
  Buffer unpacked;        // of packed caches: (kAttendKeys + kAttendRows, largest size of a head)
  Buffer memory;          // what the attention memories ask for
  std::vector<int> next;  // (slices) the queries of each slice that attention comes to next
};

}  // namespace longhand
