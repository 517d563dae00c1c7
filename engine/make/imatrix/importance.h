// Importance matrices: how large the inputs of each column of a model's matrices were on some text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/state/atomic_file.h"

namespace longhand {

/// Of one tensor. Matrices of several experts stand behind one another, each with a count of its own.
struct ImportanceEntry {
  std::vector<float> sums;    // (matrices, columns) squared inputs, added up
  std::vector<float> counts;  // (matrices) inputs; or one for all

  /// Mean squared inputs (matrices, columns) of a tensor of this shape; ones for a matrix without any input.
  /// Empty where the entry has another shape.
  std::vector<float> means(std::uint64_t cols, std::uint64_t matrices) const;
};

struct ImportanceMatrix {
  std::map<std::string, ImportanceEntry> entries;  // by the name of the tensor
  std::vector<std::string> datasets;               // files the text came from
  std::int64_t chunks = 0;                         // pieces of text
  std::int64_t chunk_size = 0;                     // tokens of each; 0: not stated
  std::optional<std::uint32_t> text_sum;           // checksum of the tokens, of one text alone
  std::optional<std::uint32_t> model_sum;          // and of the model that read them
  /// What errors of a tensor cost, where that was measured: the divergence of what the model predicts, in
  /// nats a token, for a relative squared error of 1, as it follows from that of a small error.
  std::map<std::string, double> sensitivities;
  std::optional<std::uint32_t> sensitivity_chunks;  // pieces of text that were read for each; 0: all

  /// Adds what another has seen, and takes over sensitivities that this lacks. Throws Error(mismatch) for an
  /// entry of another shape, and changes nothing.
  void add(const ImportanceMatrix& other);
};

/// Reads both forms of such files: GGUF, and the older one of numbers alone. Throws Error: io, missing,
/// truncated, limit, mismatch (sums without counts), range (negative), nonfinite; and what Gguf::open()
/// throws.
ImportanceMatrix read_importance(const std::string& path);
/// Writes GGUF, in place of what is there. Throws Error(io).
void write_importance(const ImportanceMatrix& matrix, const std::string& path,
                      FileCalls& calls = system_calls());

}  // namespace longhand
