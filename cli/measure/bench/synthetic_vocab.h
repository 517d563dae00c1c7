// A vocabulary for models that have none: valid, of the right size, and of no use but to be there.
#pragma once

#include "loaders/gguf/gguf_writer.h"

namespace longhand::cli {

/// Adds byte-level BPE of `size` tokens, at least 300: the bytes, a few merges, unused tokens, and the
/// controls of begin, end and end of turn.
void add_synthetic_vocab(GgufHead& head, int size);

}  // namespace longhand::cli
