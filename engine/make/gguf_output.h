// A GGUF file as it is made: its head, then the data of its tensors in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/state/atomic_file.h"
#include "loaders/gguf/gguf.h"
#include "loaders/gguf/gguf_writer.h"

namespace longhand {

/// An entry of a file as it stands there.
GgufEntry copy_entry(const MetaEntry& entry);
/// All metadata of `file` in its order, without the keys that count and number the parts of a split model.
std::vector<GgufEntry> copy_metadata(const Gguf& file);

/// A file that exists once it is whole: until commit() its path names what it named before, and without
/// commit() nothing of it remains.
class GgufOutput {
 public:
  /// Writes the head. Throws Error (io), also where `path` names anything but a regular file or nothing yet.
  GgufOutput(const std::string& path, GgufHead head, FileCalls& calls = system_calls());

  const GgufHead& head() const noexcept { return head_; }
  /// The next bytes of the tensors' data, in any pieces: tensors in the order of the head, each padded
  /// behind its last byte by this. Throws Error (io); std::logic_error for more than the head announced.
  void write(std::span<const std::byte> data);
  /// Puts the file in place. Throws Error (io); std::logic_error before all data is there.
  void commit();

 private:
  void end_tensor();

  GgufHead head_;
  FileReplacement file_;
  std::size_t tensor_ = 0;     // the one that is written
  std::uint64_t written_ = 0;  // of it
};

}  // namespace longhand
