// Saved states with other bytes in them, whose checksums hold.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "engine/state/checksum.h"

namespace longhand::test {

/// Where the content of a section begins in the bytes of a state file (engine/state/state_file.h).
inline std::size_t state_section(const std::string& state, int number) {
  std::size_t at = 24;
  for (; number > 0; --number) {
    std::uint64_t length = 0;
    std::memcpy(&length, state.data() + at + 8, sizeof length);
    at += 16 + std::size_t(length);
  }
  return at + 16;
}

/// The state with `bytes` at `offset` of a section.
inline std::string forged_state(std::string state, int section, std::size_t offset,
                                const std::string& bytes) {
  const std::size_t at = state_section(state, section);
  state.replace(at + offset, bytes.size(), bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, state.data() + at - 8, sizeof length);
  std::uint32_t sum = crc32c(state.substr(at - 16, 4));
  sum = crc32c(state.substr(at - 8, 8 + std::size_t(length)), sum);
  std::memcpy(state.data() + at - 12, &sum, sizeof sum);
  return state;
}

}  // namespace longhand::test
