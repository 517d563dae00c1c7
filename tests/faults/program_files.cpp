// System calls that fail while the program keeps what is its own: saved chats, and the lines typed before.
#include <fstream>

#include "cli/chat/chat_store.h"
#include "cli/terminal/history.h"
#include "tests/faults/every_call.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using cli::ChatRecord;
using cli::ChatStore;
using cli::History;
using testing::AnyOf;
using testing::ElementsAre;

ChatRecord chat_of(const std::string& answer) {
  ChatRecord record;
  record.turns = {{"Question", answer, "", true}};
  return record;
}

class StoreFaults : public testing::Test {
 protected:
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(dir_.file("chats")), {});
  }
  std::string content(const std::string& name) const {
    return read_text(dir_.file("chats/" + name + ".json"));
  }
  std::string loaded(ChatStore& store, const std::string& name) const {
    std::string answer;
    store.load(name, [&](const ChatRecord& record) { answer = record.turns.back().answer; });
    return answer;
  }

  TempDir dir_;
  ChatStore store_{dir_.file("chats")};
  const ChatRecord old_ = chat_of("old"), fresh_ = chat_of(std::string(5000, 'n'));
};

TEST_F(StoreFaults, OfAChatKeptUpToDate) {
  store_.save("talk", old_);
  const std::string old = content("talk"), fresh = write_record(fresh_);
  at_every_call([&] { store_.update(fresh_); },
                [&](const Outcome& outcome) {
                  const std::string found = content("talk");
                  EXPECT_TRUE(found == fresh || (outcome.code && found == old));
                  EXPECT_EQ(store_.open_name(), "talk");
                  EXPECT_EQ(files(), 1) << "something was left behind";
                  store_.update(chat_of("between"));  // the chat goes on
                  store_.update(old_);
                  EXPECT_EQ(content("talk"), old);
                });
}

TEST_F(StoreFaults, OfAChatTakenUpAgain) {
  store_.save("talk", fresh_);
  store_.save("other", old_);
  std::string answer;
  at_every_call(
      [&] {
        answer = "none";
        answer = loaded(store_, "talk");
      },
      [&](const Outcome& outcome) {
        EXPECT_EQ(answer, outcome.code ? "none" : fresh_.turns[0].answer);
        EXPECT_EQ(store_.open_name(), outcome.code ? "other" : "talk");
        EXPECT_EQ(loaded(store_, "other"), "old");
        EXPECT_EQ(files(), 2);
      });
}

// A history never fails a chat: what it cannot keep it says once, and what was kept stays.
TEST(HistoryFaults, LeaveWhatWasKept) {
  const TempDir dir;
  const std::string path = dir.file("history"), old = "one\ntwo\\nlines\nthree\n";
  const auto begin = [&] { dir.write("history", old); };
  begin();
  std::string problem;
  at_every_call(
      [&] {
        History history(path);
        history.add("newest entry");
        problem = history.problem();
      },
      [&](const Outcome& outcome) {
        EXPECT_FALSE(outcome.code) << "it throws";
        const std::string found = read_text(path);
        EXPECT_TRUE(found.starts_with(old)) << found;
        EXPECT_TRUE((old + "newest entry\n").starts_with(found)) << found;
        EXPECT_TRUE(found.size() > old.size() || !problem.empty()) << "nothing was kept, and nothing said";
        History later(path);
        later.add("later");
        const std::vector<std::string> entries = History(path).entries();
        ASSERT_GE(entries.size(), 4U);
        EXPECT_EQ(entries[1], "two\nlines");
        EXPECT_EQ(entries.back(), "later");
        begin();
      });
}

TEST(HistoryFaults, LeaveTheOldOrTheTrimmedHistory) {
  const TempDir dir;
  const std::string path = dir.file("history");
  std::string old;
  for (int i = 0; i < 20'000; ++i) old += std::to_string(i) + "\n";  // more than one read takes
  dir.write("history", old);
  const History trimming(path);
  const std::string trimmed = read_text(path);
  ASSERT_LT(trimmed.size(), old.size());
  at_every_call(
      [&] {
        dir.write("history", old);
        const History history(path);
      },
      [&](const Outcome&) {
        EXPECT_THAT(read_text(path), AnyOf(old, trimmed));
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
      });
}

TEST(HistoryFaults, AnEntryThatWasCutShortIsNotJoinedToTheNext) {
  const TempDir dir;
  const std::string path = dir.write("history", "whole\nhal");
  History(path).add("next");
  EXPECT_THAT(History(path).entries(), ElementsAre("whole", "hal", "next"));
}

}  // namespace
}  // namespace longhand::test
