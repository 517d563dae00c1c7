#include "loaders/gguf/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "loaders/gguf/gguf.h"
#include "ops/error.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using ::testing::HasSubstr;

std::string text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

void expect_refused(const std::string& path, const std::string& says) {
  try {
    const MappedFile file(path);
    ADD_FAILURE() << path << " was mapped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::io) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(says));
  }
  EXPECT_THROW(Gguf::open(path), Error);
}

std::size_t resident_pages(std::span<const std::byte> pages) {
  const auto page = std::size_t(::sysconf(_SC_PAGESIZE));
  // mincore() tells about the page cache; what this mapping itself holds is in the page tables of the
  // process.
  std::size_t count = 0;
  FILE* pagemap = std::fopen("/proc/self/pagemap", "rb");
  if (pagemap == nullptr) return 0;
  for (std::size_t at = 0; at < pages.size(); at += page) {
    std::uint64_t entry = 0;
    const auto address = reinterpret_cast<std::uintptr_t>(pages.data() + at);
    std::fseek(pagemap, long(address / page * sizeof entry), SEEK_SET);
    if (std::fread(&entry, sizeof entry, 1, pagemap) == 1 && (entry >> 63) != 0) ++count;
  }
  std::fclose(pagemap);
  return count;
}

TEST(MappedFile, ShowsTheBytesOfAFile) {
  const TempDir folder;
  const std::string content("one\0two\n", 8);
  EXPECT_EQ(text(MappedFile(folder.write("plain", content))), content);
  EXPECT_EQ(text(MappedFile(folder.write("a name with\nnewline and \xFF", content))), content);
  std::filesystem::create_symlink("plain", folder.file("link"));
  EXPECT_EQ(text(MappedFile(folder.file("link"))), content);
}

TEST(MappedFile, MapsAnEmptyFileAsNothing) {
  const TempDir folder;
  const MappedFile file(folder.write("empty", ""));
  EXPECT_TRUE(file.bytes().empty());
  file.release(file.bytes());
  EXPECT_TRUE(MappedFile().bytes().empty());
}

TEST(MappedFile, MovesItsMapping) {
  const TempDir folder;
  MappedFile first(folder.write("first", "1111"));
  MappedFile second(std::move(first));
  EXPECT_TRUE(first.bytes().empty());
  EXPECT_EQ(text(second), "1111");
  second = MappedFile(folder.write("second", "22"));
  EXPECT_EQ(text(second), "22");
}

TEST(MappedFile, OutlivesTheNameOfItsFile) {
  const TempDir folder;
  const std::string path = folder.write("short-lived", "still here");
  const MappedFile file(path);
  std::filesystem::remove(path);
  EXPECT_EQ(text(file), "still here");
}

TEST(MappedFile, ReleasesOnlyWholePagesAndReadsThemAgain) {
  const TempDir folder;
  const auto page = std::size_t(::sysconf(_SC_PAGESIZE));
  std::string content(16 * page, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = char(i * 31 / 7);
  const MappedFile file(folder.write("pages", content));
  ASSERT_EQ(text(file), content);
  if (resident_pages(file.bytes()) != 16) GTEST_SKIP() << "/proc/self/pagemap is not readable here";

  file.release(file.bytes().subspan(100, page - 101));  // no whole page
  EXPECT_EQ(resident_pages(file.bytes()), 16U);
  file.release(file.bytes().subspan(4 * page - 1, 4 * page + 2));  // pages 4..7 and a byte of both neighbours
  EXPECT_EQ(resident_pages(file.bytes()), 12U);
  EXPECT_EQ(resident_pages(file.bytes().subspan(4 * page, 4 * page)), 0U);
  EXPECT_EQ(text(file), content);
  file.release(file.bytes());
  EXPECT_EQ(resident_pages(file.bytes()), 0U);
  EXPECT_EQ(text(file), content);
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
  const TempDir folder;
  expect_refused(folder.file("absent"), "No such file");
  expect_refused("", "No such file");
  expect_refused(folder.path().string(), "is a folder");
  expect_refused("/dev/zero", "not a regular file");
  expect_refused("/dev/null", "not a regular file");
  expect_refused(std::string("plain\0.gguf", 11), "NUL");
  expect_refused(folder.file(std::string(5000, 'n')), "File name too long");
  expect_refused(folder.write("file", "x") + "/below", "Not a directory");
}

TEST(MappedFile, RefusesAFifoWithoutWaitingForItsWriter) {
  const TempDir folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  expect_refused(folder.file("fifo"), "not a regular file");
}

TEST(MappedFile, RefusesASocket) {
  const TempDir folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.file("socket");
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect_refused(path, "cannot be opened");
  ::close(socket);
}

TEST(MappedFile, RefusesALoopOfLinks) {
  const TempDir folder;
  std::filesystem::create_symlink("b", folder.file("a"));
  std::filesystem::create_symlink("a", folder.file("b"));
  expect_refused(folder.file("a"), "symbolic links");
}

TEST(MappedFile, RefusesAnUnreadableFile) {
  const TempDir folder;
  const std::string path = folder.write("secret", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  if (::access(path.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read any file";
  expect_refused(path, "Permission denied");
}

TEST(MappedFile, ReportsThatNoDescriptorIsLeft) {
  const TempDir folder;
  const std::string path = folder.write("file", "x");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  expect_refused(path, "Too many open files");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(text(MappedFile(path)), "x");
}

TEST(MappedFile, MapsAHugeSparseFileAndGgufRefusesIt) {
  const TempDir folder;
  const std::string path = folder.write("sparse", "GGUF\3");
  std::error_code error;
  std::filesystem::resize_file(path, 1ULL << 40, error);
  if (error) GTEST_SKIP() << "no file of 1 TiB possible here: " << error.message();
  EXPECT_EQ(MappedFile(path).bytes().size(), 1ULL << 40);
  EXPECT_EQ(Gguf::open(path).tensors().size(),
            0U);  // version 3, no tensors, no keys: as short as a file can be
}

}  // namespace
}  // namespace longhand::test
