// A vocabulary small enough to read: bytes, a few pieces, and the control tokens of ChatML.
#pragma once

#include "loaders/vocab/vocab.h"

namespace longhand::test {

inline constexpr Token kTinyBos = 1, kTinyEos = 2, kTinyStart = 3, kTinyEnd = 4;

/// SentencePiece kind; tokens "a", "b", "c", "ab", "abc" and the space mark, single bytes for all else.
Vocab tiny_vocab(bool add_bos = false, bool add_space_prefix = false);

}  // namespace longhand::test
