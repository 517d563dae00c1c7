// The first inputs of every target, made by the project's own writers.
#pragma once

#include <string>
#include <vector>

namespace longhand::fuzz {

struct Seed {
  std::string target, name, bytes;
};

/// A small model of every architecture, and some with other tensor types, memories or experts.
std::vector<Seed> model_seeds();
/// A vocabulary of every kind, without tensors.
std::vector<Seed> vocab_seeds();
/// Everything else.
std::vector<Seed> text_seeds();
std::vector<Seed> state_seeds();
/// Adapters and control vectors.
std::vector<Seed> adapter_seeds();

}  // namespace longhand::fuzz
