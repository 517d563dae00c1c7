#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace longhand::fuzz {

void find(std::string_view what) {
  std::fprintf(stderr, "FIND: %.*s\n", int(what.size()), what.data());
  std::abort();
}

void check_clear(const Error& error) {
  const std::string_view message = error.what();
  check(message.size() <= 500, "a message has at most 500 bytes");
  check(escape_controls(message, message.size()) == message, "a message is one line of printable text");
  check(message.ends_with("[" + std::string(errc_name(error.code())) + "]"), "a message ends in its code");
}

MemoryFile::MemoryFile() : fd_(::memfd_create("input", MFD_CLOEXEC)) {
  if (fd_ < 0) find("the system gives a file in memory");
  path_ = "/proc/self/fd/" + std::to_string(fd_);
}

MemoryFile::~MemoryFile() { ::close(fd_); }

void MemoryFile::write(std::string_view content) const {
  const auto size = ssize_t(content.size());
  if (::ftruncate(fd_, size) != 0 || ::pwrite(fd_, content.data(), content.size(), 0) != size)
    find("a file in memory takes what is written");
}

}  // namespace longhand::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  longhand::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
