// Vectors of texts as files and pipes take them.
#pragma once

#include <span>
#include <string>

#include "cli/terminal/output.h"

namespace longhand::cli {

/// What is known of a text beside its vectors.
struct EmbeddedText {
  std::size_t index = 0;
  std::size_t tokens = 0;
  int left_out = 0;
};

class VectorWriter {
 public:
  enum class Format { json, csv, f32 };
  /// Names of formats, and one that goes by the file: .csv, .json and .jsonl say so, other
  /// files get floats, standard output JSON.
  static Format format_of(const std::string& name, const std::string& path);

  /// To a file, or stdout for "-". Vectors have `width` values. `scores`: they are scores. `apart`: a text
  /// has a vector for each token. Throws Error(io).
  struct Shape {
    std::size_t width = 0;
    bool scores = false, apart = false;
  };
  VectorWriter(const std::string& path, Format format, Shape shape)
      : out_(path), format_(format), shape_(shape) {}

  /// Throws BrokenPipe, Error(io).
  void write(const EmbeddedText& text, std::span<const float> vectors);
  void finish() { out_.finish(); }

 private:
  std::string json(const EmbeddedText& text, std::span<const float> vectors) const;
  std::string csv(std::span<const float> vectors) const;

  OutputFile out_;
  Format format_;
  Shape shape_;
};

}  // namespace longhand::cli
