// A GGUF file as it is made: its head, then the data of its tensors in their order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/make/output_journal.h"
#include "engine/state/atomic_file.h"
#include "loaders/gguf/gguf.h"
#include "loaders/gguf/gguf_writer.h"
#include "ops/error.h"

namespace longhand {

/// An entry of a file as it stands there.
GgufEntry copy_entry(const MetaEntry& entry);
/// All metadata of `file` in its order, without the keys that count and number the parts of a split model.
std::vector<GgufEntry> copy_metadata(const Gguf& file);

/// A file that exists once it is whole: until commit() its path names what it named before, and without
/// commit() nothing of it remains, unless it is kept.
class GgufOutput {
 public:
  /// Writes the head. Throws Error (io), also where `path` names anything but a regular file or nothing yet.
  GgufOutput(const std::string& path, GgufHead head, FileCalls& calls = system_calls());
  /// Goes on where an earlier output of the same head and `sources` was ended, if there is one. `sources`
  /// says in lines of text what else the data depends on (see source_state()). Throws the same.
  /// Throws also what `checked` throws, and leaves what is there then.
  GgufOutput(const std::string& path, GgufHead head, const std::string& sources,
             const OutputJournal::Checked& checked = {});
  ~GgufOutput();
  GgufOutput(const GgufOutput&) = delete;
  GgufOutput& operator=(const GgufOutput&) = delete;

  const GgufHead& head() const noexcept { return head_; }
  /// Tensors whose data is there already: the first ones.
  std::size_t finished() const noexcept { return tensor_; }
  /// The next bytes of the tensors' data, in any pieces: tensors in the order of the head, each padded
  /// behind its last byte by this. Throws Error (io); std::logic_error for more than the head announced.
  void write(std::span<const std::byte> data);
  /// Puts the file in place. Throws Error (io); std::logic_error before all data is there.
  void commit();
  /// Whether a later output can go on with this one, which has taken `seconds` or went on with an earlier
  /// one.
  bool is_worth_keeping(double seconds) const noexcept;
  /// What is there stays for a later output to go on with.
  void keep() noexcept;

 private:
  void begin();
  void end_tensor();

  GgufHead head_;
  std::optional<OutputJournal> journal_;
  FileReplacement file_;
  std::size_t tensor_ = 0;     // the one that is written
  std::uint64_t written_ = 0;  // of it
  std::uint32_t checksum_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

using GgufOutputs = std::vector<std::unique_ptr<GgufOutput>>;

/// True, and all outputs are kept, where one of them is worth it.
bool keep_worthy(const GgufOutputs& outputs, double seconds) noexcept;
/// The same error, which says also that what is done is kept.
Error kept_for_later(const Error& error);

/// Calls work(), which writes `outputs`. Where it is ended by the user, or by the system (a full disk, want
/// of memory), one of them that has taken `seconds` makes all stay for the next run to go on with, and the
/// error says so.
template <class Work>
void keeping_for_later(const GgufOutputs& outputs, double seconds, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    const bool outside = error.code() == Errc::cancelled || error.code() == Errc::io;
    if (outside && keep_worthy(outputs, seconds)) throw kept_for_later(error);
    throw;
  } catch (const std::bad_alloc&) {
    keep_worthy(outputs, seconds);
    throw;
  }
}

}  // namespace longhand
