// What is known of an unfinished file, so that a later run can go on with it.
//
// Beside OUT.new, which is written before it becomes OUT, stands OUT.new.journal: lines that say what it is
// made of, then one with the checksum of each tensor that is whole, with what it is padded by.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf_writer.h"

namespace longhand {

/// What stands behind the name of an unfinished file in that of its journal.
inline constexpr std::string_view kJournal = ".journal";

/// Lines of size, time of change and checksum of the first bytes of each file, in their order: what tells
/// that one was changed.
std::string source_state(std::span<const std::string> files);

/// A journal that cannot be written is no failure: nobody can go on then.
class OutputJournal {
 public:
  /// `sources`: lines that say what the file's data depends on.
  explicit OutputJournal(const std::string& sources);
  /// Removes the journal, unless it is kept. It goes with the file that it is of.
  ~OutputJournal();
  OutputJournal(const OutputJournal&) = delete;
  OutputJournal& operator=(const OutputJournal&) = delete;

  /// Told again and again how many tensors were found whole while they are read; may throw.
  using Checked = std::function<void(std::size_t tensors)>;
  /// Bytes of the unfinished file `temporary`, open as `descriptor`, that go on: its head, which must be
  /// `head`, and the tensors behind it, which must be as its journal says. 0 where it is of other sources.
  /// Throws what `checked` throws.
  std::uint64_t check(int descriptor, const std::string& temporary, const GgufHead& head,
                      const Checked& checked = {});
  /// The tensors that check() found whole.
  std::size_t finished() const noexcept { return sums_.size(); }
  /// Begins the journal of `temporary`, or goes on with what check() found.
  void open(const std::string& temporary, bool goes_on);
  /// The next tensor is whole.
  void add(std::uint32_t checksum) noexcept;
  /// Whether a later run can go on with what the journal says.
  bool good() const noexcept { return fd_ >= 0; }
  void keep() noexcept { kept_ = true; }

 private:
  bool write(std::string_view text) noexcept;
  bool go_on() noexcept;
  bool begin() noexcept;

  std::string sources_, path_;
  std::vector<std::uint32_t> sums_;
  int fd_ = -1;
  bool kept_ = false;
  bool ended_ = false;  // a line could not be written: those before it hold
};

}  // namespace longhand
