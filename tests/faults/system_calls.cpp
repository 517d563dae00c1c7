#include "tests/faults/system_calls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

#include "tests/support/allocations.h"

namespace longhand::test {
namespace {

struct Watch {
  bool on = false;
  std::size_t until_fault = 0;
  Fault fault;
  std::string name;
};
Watch watch;
std::atomic<std::ptrdiff_t> mapped{0};

bool suffers(const char* name) {
  if (!watch.on) return false;
  if (!watch.name.empty()) return watch.fault.lasting && watch.name == name;
  if (watch.until_fault-- != 0) return false;
  watch.name = name;
  return true;
}

// True: the call fails, errno says how.
bool fails(const char* name) {
  if (!suffers(name) || watch.fault.error == 0) return false;
  errno = watch.fault.error;
  return true;
}

// A call that reads or writes `size` bytes: what it returns, given what it does with some number of them.
template <class Call>
ssize_t transfer(const char* name, std::size_t size, const Call& call) {
  if (!suffers(name)) return call(size);
  if (watch.fault.error == 0) return call(size > 1 ? size / 2 : size);
  errno = watch.fault.error;
  return -1;
}

}  // namespace

FailingCall::FailingCall(std::size_t n, Fault fault) { watch = {true, n, fault, {}}; }
FailingCall::~FailingCall() { watch.on = false; }
const std::string& FailingCall::name() const { return watch.name; }

std::ptrdiff_t mapped_bytes() noexcept { return mapped; }

extern "C" {

int __real_open(const char* path, int flags, ...);
int __real_fstat(int fd, struct stat* status);
void* __real_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* at, std::size_t size);
ssize_t __real_pread(int fd, void* to, std::size_t size, off_t offset);
ssize_t __real_read(int fd, void* to, std::size_t size);
ssize_t __real_write(int fd, const void* from, std::size_t size);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);

int __wrap_open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return fails("open") ? -1 : __real_open(path, flags, mode);
}
int __wrap_fstat(int fd, struct stat* status) { return fails("fstat") ? -1 : __real_fstat(fd, status); }
void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
  if (fails("mmap")) return MAP_FAILED;
  if (allocation_must_fail()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* got = __real_mmap(at, size, protection, flags, fd, offset);
  if (got != MAP_FAILED) mapped += std::ptrdiff_t(size);
  return got;
}
int __wrap_munmap(void* at, std::size_t size) {
  mapped -= std::ptrdiff_t(size);
  return __real_munmap(at, size);
}
ssize_t __wrap_pread(int fd, void* to, std::size_t size, off_t offset) {
  return transfer("pread", size, [&](std::size_t n) { return __real_pread(fd, to, n, offset); });
}
ssize_t __wrap_read(int fd, void* to, std::size_t size) {
  return transfer("read", size, [&](std::size_t n) { return __real_read(fd, to, n); });
}
ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
  return transfer("write", size, [&](std::size_t n) { return __real_write(fd, from, n); });
}
int __wrap_fsync(int fd) { return fails("fsync") ? -1 : __real_fsync(fd); }
int __wrap_close(int fd) {
  const int done = __real_close(fd);  // as Linux does, whatever it then reports
  return fails("close") ? -1 : done;
}
int __wrap_fchmod(int fd, mode_t mode) { return fails("fchmod") ? -1 : __real_fchmod(fd, mode); }
int __wrap_rename(const char* from, const char* to) { return fails("rename") ? -1 : __real_rename(from, to); }
int __wrap_unlink(const char* path) { return fails("unlink") ? -1 : __real_unlink(path); }

}  // extern "C"

}  // namespace longhand::test
