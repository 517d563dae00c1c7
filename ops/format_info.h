// What every tensor format states about itself. PODs only: kernel units see this header.
#pragma once

#include <cstdint>

namespace longhand {

/// The numbers a matrix of some format is multiplied with.
enum class Activation : std::uint8_t {
  f32,     // floats as they are
  bf16,    // rounded to bfloat16 where the processor multiplies those, else floats
  q8_32,   // int8 with one scale per 32 values
  q8_256,  // int8 with one scale per 256 values
};

constexpr bool is_float(Activation kind) { return kind == Activation::f32 || kind == Activation::bf16; }

/// A run of bytes inside a block that is interleaved in units of 1, 2 or 4 bytes (see ops/panels.h).
struct Field {
  std::uint16_t offset, bytes, unit;
};

struct FormatInfo {
  const char* name;              // as files and users spell it
  std::uint32_t gguf;            // tensor type id in files
  std::uint32_t block_elements;  // weights per block; rows are whole blocks
  std::uint32_t block_bytes;
  Activation activation;
  const Field* fields;  // cover the block without gaps
  int n_fields;
  // Bytes in front of a row's blocks: 0, or 4 for the float that the whole row is multiplied with.
  std::uint32_t row_head = 0;
};

/// Rows interleaved in one panel. 16 rows x 4 bytes fill one 512-bit register, two of 256 bits, four of 128.
inline constexpr int kPanelRows = 16;

}  // namespace longhand
