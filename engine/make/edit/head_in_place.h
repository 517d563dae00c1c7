// The head of a file written over itself, so that its tensors stay where they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/gguf/gguf_writer.h"

namespace longhand {

/// An entry without meaning that fills a head which became shorter.
inline constexpr std::string_view kFiller = "padding";

/// The head of `file`, which lies at `bytes`, with other metadata: exactly as long as the one that is there,
/// and with every tensor where it is. Nothing where that cannot be.
std::optional<std::string> head_of_same_size(const Gguf& file, std::span<const std::byte> bytes,
                                             std::vector<GgufEntry> entries);

/// Keeps the first `head_bytes` of the file `path` in the file `path`.head. Throws Error (io).
void keep_head(const std::string& path, std::size_t head_bytes);

/// Gives the file `path` another head of the same size. Until that is on the disk, what was there stands in
/// the file `path`.head, see keep_head(). Throws Error (io).
void replace_head(const std::string& path, std::string_view head);

/// Puts back what an interrupted replace_head() left. Throws Error: io; mismatch where `path`.head belongs to
/// another file.
void restore_head(const std::string& path);

}  // namespace longhand
