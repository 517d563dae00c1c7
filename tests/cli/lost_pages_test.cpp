// A model file that shrinks while it is mapped: pages that are gone raise SIGBUS in whichever thread reads
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

constexpr const char* kMessage =
    "error: the model file was changed or could not be read while it was in use [E_IO]\r\n";

class LostPages : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::copy_file(LONGHAND_GUIDE "/guide-q8_0.gguf", model_); }

  Arguments writing_for_ever(const std::string& verb) const {
    return {LONGHAND_PROGRAM, verb,           model_,   "-p", "Tell me a story.",
            "--no-repack",    "--ignore-eos", "--temp", "0",  "-c",
            "16384",          "-n",           "16384",  "-t", "2"};
  }

  TempDir home_;
  std::string model_ = home_.file("model.gguf");
  Environment environment_{{"HOME", home_.path().string()},
                           {"XDG_DATA_HOME", home_.file("data")},
                           {"XDG_STATE_HOME", home_.file("state")},
                           {"TERM", "xterm"}};
};

TEST_F(LostPages, EndTheProgramWithAMessage) {
  for (const char* verb : {"run", "chat"}) {
    SCOPED_TRACE(verb);
    std::filesystem::remove(model_);
    SetUp();
    TerminalProcess process(writing_for_ever(verb), environment_);
    ASSERT_TRUE(process.expect("a")) << process.screen();  // some of the text
    std::filesystem::resize_file(model_, 4096);
    EXPECT_TRUE(process.expect(kMessage)) << process.screen();
    EXPECT_EQ(process.wait(), 1);
    EXPECT_EQ(process.screen().find("error: "), process.screen().rfind("error: ")) << "told once";
  }
}

TEST_F(LostPages, ASignalThatSomebodySendsIsNone) {
  TerminalProcess process(writing_for_ever("run"), environment_);
  ASSERT_TRUE(process.expect("a")) << process.screen();
  process.signal(SIGBUS);
  EXPECT_EQ(process.wait(), 128 + SIGBUS);
  EXPECT_THAT(process.screen(), testing::Not(HasSubstr("error: ")));
}

}  // namespace
}  // namespace longhand::test
