// The small model these tests run, with everything in one thread, where faults are counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::test {

/// Its file; it stays there while the program runs.
const std::string& tiny_path();
const Model& tiny();
LoadOptions one_thread();

struct NamedMemory {
  const char* name;
  AttentionOptions attention;
};
/// Every kind of memory, with windows that a few dozen tokens leave behind.
std::span<const NamedMemory> small_memories();
SessionOptions small_session(const AttentionOptions& attention = {}, CacheType type = CacheType::f16);

/// `n` plain tokens, others for every seed.
std::vector<Token> some_tokens(int n, unsigned seed = 1);
std::vector<float> copy_of(std::span<const float> values);
/// A number that tells `values` from others; takes no memory.
std::uint32_t digest(std::span<const float> values, std::uint32_t before = 0) noexcept;
/// Whether a model loaded now says what it always says; for after a failure.
bool a_model_works();

}  // namespace longhand::test
