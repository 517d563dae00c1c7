#include "cli/chat/chat_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "ops/error.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ChatRecord chat_of(std::string answer) {
  ChatRecord record;
  record.turns = {{"Question", std::move(answer), "", true}};
  return record;
}

std::string answer_in(ChatStore& store, const std::string& name) {
  std::string answer;
  store.load(name, [&](const ChatRecord& record) { answer = record.turns.back().answer; });
  return answer;
}

template <class Action>
Errc code_of(Action action) {
  try {
    action();
  } catch (const Error& error) { return error.code(); }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::cancelled;
}

class Store : public testing::Test {
 protected:
  TempDir dir_;
  std::string folder_ = dir_.file("data/longhand/chats");
  ChatStore store_{folder_};
};

TEST_F(Store, KeepsChatsByName) {
  EXPECT_THAT(store_.names(), IsEmpty());
  EXPECT_FALSE(store_.has("one"));
  store_.save("two", chat_of("second"));
  store_.save("one", chat_of("first"));
  EXPECT_EQ(store_.open_name(), "one");
  EXPECT_TRUE(store_.has("two"));
  EXPECT_THAT(store_.names(), ElementsAre("one", "two"));
  ChatStore later(folder_);
  EXPECT_EQ(answer_in(later, "two"), "second");
  EXPECT_EQ(later.open_name(), "two");
}

TEST_F(Store, IsForItsOwnerOnly) {
  const mode_t before = ::umask(0);
  store_.save("one", chat_of("a"));
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ + "/one.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST_F(Store, UpdatesTheOpenChatWhenItChanged) {
  store_.update(chat_of("nobody saved this"));
  EXPECT_THAT(store_.names(), IsEmpty());
  store_.save("one", chat_of("a"));
  const auto written = std::filesystem::last_write_time(folder_ + "/one.json");
  struct stat first {
  }, same{};
  ::stat((folder_ + "/one.json").c_str(), &first);
  store_.update(chat_of("a"));
  ::stat((folder_ + "/one.json").c_str(), &same);
  EXPECT_EQ(first.st_ino, same.st_ino) << "rewritten for nothing";
  EXPECT_EQ(std::filesystem::last_write_time(folder_ + "/one.json"), written);
  store_.update(chat_of("b"));
  store_.close();
  store_.update(chat_of("c"));
  EXPECT_EQ(answer_in(store_, "one"), "b");
}

TEST_F(Store, NamesAreNoPaths) {
  for (const std::string& name :
       {std::string(""), std::string("../x"), std::string("a/b"), std::string(".hidden"), std::string("-x"),
        std::string("a b"), std::string("a\n"), std::string("\xC3\xBC"), std::string("a\0b", 3),
        std::string(65, 'a')}) {
    EXPECT_EQ(code_of([&] { store_.save(name, chat_of("a")); }), Errc::range) << name;
    EXPECT_EQ(code_of([&] { answer_in(store_, name); }), Errc::range) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(dir_.file("data")));
  store_.save("A-z_0.9", chat_of("a"));
}

TEST_F(Store, AChatOpenElsewhereIsBusy) {
  store_.save("one", chat_of("a"));
  ChatStore other(folder_);  // locks of one process keep each other out as those of two do
  EXPECT_EQ(code_of([&] { answer_in(other, "one"); }), Errc::busy);
  EXPECT_EQ(code_of([&] { other.save("one", chat_of("b")); }), Errc::busy);
  EXPECT_THAT(other.open_name(), IsEmpty());
  store_.update(chat_of("after a save it still is"));
  EXPECT_EQ(code_of([&] { other.save("one", chat_of("b")); }), Errc::busy);
  store_.save("two", chat_of("c"));
  EXPECT_EQ(answer_in(other, "one"), "after a save it still is");
}

TEST_F(Store, ALockEndsWithItsProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    ChatStore mine(folder_);
    mine.save("one", chat_of("a"));
    ::raise(SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(answer_in(store_, "one"), "a");
}

TEST_F(Store, WhatCannotBeLoadedChangesNothing) {
  store_.save("good", chat_of("a"));
  test::TempDir elsewhere;
  std::filesystem::create_symlink(elsewhere.write("victim", "{}"), folder_ + "/link.json");
  std::filesystem::create_directory(folder_ + "/folder.json");
  ASSERT_EQ(::mkfifo((folder_ + "/fifo.json").c_str(), 0600), 0);
  { std::filesystem::copy_file(folder_ + "/good.json", folder_ + "/cut.json"); }
  std::filesystem::resize_file(folder_ + "/cut.json", 90);
  EXPECT_EQ(code_of([&] { answer_in(store_, "absent"); }), Errc::missing);
  EXPECT_EQ(code_of([&] { answer_in(store_, "link"); }), Errc::io);
  EXPECT_EQ(code_of([&] { answer_in(store_, "folder"); }), Errc::io);
  EXPECT_EQ(code_of([&] { answer_in(store_, "fifo"); }), Errc::io);
  EXPECT_EQ(code_of([&] { answer_in(store_, "cut"); }), Errc::corrupt);
  EXPECT_EQ(store_.open_name(), "good");
  store_.update(chat_of("b"));
  // What the caller cannot use is not loaded either.
  store_.save("other", chat_of("c"));
  EXPECT_EQ(code_of([&] { store_.load("good", [](ChatRecord&) { throw Error(Errc::range, "no"); }); }),
            Errc::range);
  EXPECT_EQ(store_.open_name(), "other");
  EXPECT_EQ(answer_in(store_, "good"), "b");
}

TEST_F(Store, AFailedSaveKeepsTheOldChatAndTheNextOneWorks) {
  class Full : public FileCalls {
   public:
    bool full = false;
    ssize_t write(int fd, const void* data, std::size_t size) override {
      errno = ENOSPC;
      return full ? -1 : FileCalls::write(fd, data, size);
    }
  } calls;
  ChatStore store(folder_, calls);
  store.save("one", chat_of("a"));
  calls.full = true;
  try {
    store.update(chat_of("b"));
    FAIL();
  } catch (const Error& error) { EXPECT_THAT(error.what(), HasSubstr("No space left on device")); }
  EXPECT_EQ(code_of([&] { store.save("two", chat_of("b")); }), Errc::io);
  EXPECT_EQ(store.open_name(), "one");
  EXPECT_THAT(store.names(), ElementsAre("one"));
  calls.full = false;
  store.update(chat_of("b"));
  EXPECT_EQ(answer_in(store, "one"), "b");
}

TEST(StoreWithoutAPlace, SaysSo) {
  ChatStore store("");
  EXPECT_THAT(store.names(), IsEmpty());
  EXPECT_EQ(code_of([&] { store.save("one", chat_of("a")); }), Errc::io);
}

}  // namespace
}  // namespace longhand::cli
