#include "engine/make/edit/head_in_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/make/tensor_copy.h"
#include "engine/state/atomic_file.h"
#include "engine/state/checksum.h"
#include "loaders/gguf/mapped_file.h"
#include "ops/error.h"

namespace longhand {
namespace {

std::string journal_of(const std::string& path) { return path + ".head"; }

// What binds a journal to its file: the bytes behind the head, which no edit changes.
struct Bond {
  std::uint64_t file_bytes = 0, head_bytes = 0, data_sum = 0;
};

Bond bond_of(std::span<const std::byte> file, std::size_t head_bytes) {
  constexpr std::size_t kChecked = std::size_t{1} << 20;
  const auto data = file.subspan(head_bytes);
  return {file.size(), head_bytes, crc32c(data.first(std::min(kChecked, data.size())))};
}

[[noreturn]] void fail(std::string_view what, const std::string& path) {
  throw Error(Errc::io, fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(errno)));
}

void overwrite(const std::string& path, std::string_view head) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail("write", path);
  bool done = true;
  for (std::size_t at = 0; done && at < head.size();) {
    const ssize_t n = ::pwrite(fd, head.data() + at, head.size() - at, off_t(at));
    if (n > 0) at += std::size_t(n);
    done = n > 0 || errno == EINTR;
  }
  done = done && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!done) fail("write", path);
}

void remove_journal(const std::string& path) {
  if (::unlink(journal_of(path).c_str()) != 0) fail("remove", journal_of(path));
}

}  // namespace

std::optional<std::string> head_of_same_size(const Gguf& file, std::span<const std::byte> bytes,
                                             std::vector<GgufEntry> entries) {
  if (file.tensors().empty()) return std::nullopt;
  GgufHead head{alignment_of(file), std::move(entries), {}};
  const std::byte* const data = file.tensors().front().data.data();
  std::uint64_t offset = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.data.data() != data + offset) return std::nullopt;  // not one after the other
    offset = head.round_up(offset + tensor.data.size());
    head.tensors.push_back(copy_shape(tensor));
  }
  const std::size_t wanted = std::size_t(data - bytes.data()), size = head.bytes().size();
  if (size < wanted) {
    const std::size_t least = gguf_bytes(kFiller).size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);
    if (wanted - size < least) return std::nullopt;
    head.entries.push_back(gguf_entry(std::string(kFiller), std::string(wanted - size - least, ' ')));
  }
  std::string made = head.bytes();
  if (made.size() != wanted) return std::nullopt;
  return made;
}

void keep_head(const std::string& path, std::size_t head_bytes) {
  const MappedFile file(path);
  std::string journal = gguf_bytes(bond_of(file.bytes(), head_bytes));
  const auto old = file.bytes().first(head_bytes);
  journal.append(reinterpret_cast<const char*>(old.data()), old.size());
  replace_file(journal_of(path), journal);
}

void replace_head(const std::string& path, std::string_view head) {
  keep_head(path, head.size());
  try {
    overwrite(path, head);
  } catch (const Error&) {
    restore_head(path);
    throw;
  }
  remove_journal(path);
}

void restore_head(const std::string& path) {
  const std::string journal = journal_of(path);
  std::error_code unknown;
  if (!std::filesystem::exists(journal, unknown)) return;
  std::string old;
  {
    const MappedFile kept(journal), file(path);
    Bond bond;
    const auto bytes = kept.bytes();
    const bool whole = bytes.size() > sizeof bond;
    if (whole) std::memcpy(&bond, bytes.data(), sizeof bond);
    if (!whole || bond.head_bytes != bytes.size() - sizeof bond || bond.file_bytes != file.bytes().size() ||
        bond.head_bytes > bond.file_bytes ||
        bond_of(file.bytes(), bond.head_bytes).data_sum != bond.data_sum) {
      throw Error(Errc::mismatch,
                  fmt::format("{}: is what an interrupted edit left of another file; remove it",
                              escape_controls(journal, 200)));
    }
    old.assign(reinterpret_cast<const char*>(bytes.data()) + sizeof bond, bond.head_bytes);
  }
  overwrite(path, old);
  remove_journal(path);
}

}  // namespace longhand
