// A model's opinion on a text, kept in a file so that another model, or the same one with other options, can
// be compared with it.
//
// Little endian:
//   8 bytes  "LHLOGPR\n"
//   u32      version, 1
//   u32      vocab      tokens a row is about
//   u32      context    tokens of a chunk
//   u32      first      rows are about what follows the tokens first .. context - 2 of each chunk
//   u32      chunks
//   u32      0
//   i32      tokens[chunks * context], as fed
//   rows[chunks * (context - 1 - first)], each:
//     f32    top        the largest ln p
//     f32    step
//     u16    q[vocab]   ln p = top - step * q; 65535 also stands for everything smaller
//     u16    0          where vocab is odd, so that rows stay aligned
//
// A row spans at most kRange nats, so a ln p is off by at most kRange / 65535 / 2 = 1.9e-4; readers normalise
// rows again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/terminal/output.h"
#include "loaders/gguf/mapped_file.h"

namespace longhand::cli {

struct KlHeader {
  std::uint32_t vocab = 0, context = 0, first = 0, chunks = 0;

  std::uint64_t rows() const noexcept { return std::uint64_t{chunks} * (context - 1 - first); }
  std::uint64_t tokens() const noexcept { return std::uint64_t{chunks} * context; }
  bool operator==(const KlHeader&) const = default;
};

class KlWriter {
 public:
  /// `tokens` has header.tokens() entries. Throws Error (io).
  KlWriter(const std::string& path, const KlHeader& header, std::span<const std::int32_t> tokens);
  /// The next row. Throws Error (io).
  void add(std::span<const float> logits);
  /// Without it the file is removed again.
  void finish() { file_.finish(); }

 private:
  OutputFile file_;
  std::vector<std::uint16_t> row_;
};

class KlReader {
 public:
  /// Throws Error: io, magic, version, range, truncated, all naming the file.
  explicit KlReader(const std::string& path);

  const KlHeader& header() const noexcept { return header_; }
  std::span<const std::int32_t> tokens() const noexcept { return tokens_; }
  /// ln p (vocab) of row `index` < header().rows(), normalised; valid until the next call. Throws Error
  /// (corrupt).
  std::span<const double> row(std::uint64_t index);

 private:
  std::string name_;
  MappedFile file_;
  KlHeader header_;
  std::vector<std::int32_t> tokens_;
  std::size_t rows_at_ = 0;
  std::vector<double> log_p_;
};

}  // namespace longhand::cli
