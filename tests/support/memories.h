// The attention memories tests go through, each with sizes for texts of about 1300 tokens: windows that
// divide nothing, so that rings go round, and blocks, chunks and batches end in different places.
#pragma once

#include <ostream>
#include <span>

#include "engine/longhand.h"

namespace longhand::test {

struct MemoryCase {
  const char* name;
  AttentionOptions attention;
};
inline std::ostream& operator<<(std::ostream& out, const MemoryCase& c) { return out << c.name; }

/// Every kind, and every way to learn codes.
std::span<const MemoryCase> memory_cases();

}  // namespace longhand::test
