#include "cli/embed/vector_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace longhand::cli {

VectorWriter::Format VectorWriter::format_of(const std::string& name, const std::string& path) {
  if (name == "json") return Format::json;
  const bool by_path = name == "auto" && path != "-";
  if (name == "csv" || (by_path && path.ends_with(".csv"))) return Format::csv;
  const bool text = path.ends_with(".json") || path.ends_with(".jsonl");
  if (name == "f32" || (by_path && !text)) return Format::f32;
  return Format::json;
}

void VectorWriter::write(const EmbeddedText& text, std::span<const float> vectors) {
  if (format_ == Format::f32) return out_.write(std::as_bytes(vectors));
  const std::string lines = format_ == Format::csv ? csv(vectors) : json(text, vectors);
  out_.write(std::as_bytes(std::span(lines)));
}

// A line a text; numbers as short as they can be and still be read back the same.
std::string VectorWriter::json(const EmbeddedText& text, std::span<const float> vectors) const {
  std::string values;
  for (std::size_t at = 0; at < vectors.size(); at += shape_.width) {
    values += fmt::format("{}[{}]", at == 0 ? "" : ",", fmt::join(vectors.subspan(at, shape_.width), ","));
  }
  const char* name = shape_.scores ? "scores" : shape_.apart ? "embeddings" : "embedding";
  const std::string list = shape_.apart ? "[" + values + "]" : values;
  return fmt::format("{{\"index\":{},\"tokens\":{},\"left_out\":{},\"{}\":{}}}\n", text.index, text.tokens,
                     text.left_out, name, list);
}

std::string VectorWriter::csv(std::span<const float> vectors) const {
  std::string lines;
  for (std::size_t at = 0; at < vectors.size(); at += shape_.width)
    lines += fmt::format("{}\n", fmt::join(vectors.subspan(at, shape_.width), ","));
  return lines;
}

}  // namespace longhand::cli
