// The encoders of one instruction set, and which of them run here. PODs only: kernel units see this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/isa.h"

namespace longhand {

/// Encodes one row; importance is (cols) or null.
using EncodeFn = void (*)(const float* src, std::int64_t cols, const float* importance,
                          std::byte* dst) noexcept;

struct Encoders {
  Isa isa;
  const EncodeFn* encode;  // by FormatId; null where there is none
};

/// Tables compiled in that run on this machine, the fastest first. All write the same bytes.
std::span<const Encoders* const> available_encoders() noexcept;

}  // namespace longhand
