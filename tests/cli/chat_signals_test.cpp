// Ctrl-C at any moment of a chat: what is under way stops, and the chat goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "cli/terminal/signals.h"
#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

TEST(ChatSignals, CtrlCBeforeReadingBeginsIsHeeded) {
  const Model model = Model::load(kGuide);
  SessionOptions options;
  options.context = 256;
  Chat chat(model, {}, options);
  const cli::SignalScope signals;
  std::raise(SIGINT);
  {
    const cli::CancelOnSignal cancel(chat.session());
    EXPECT_EQ(code_of([&] { chat.ask("What is the capital of Peru?"); }), Errc::cancelled);
    EXPECT_TRUE(chat.turns().empty());
  }
  EXPECT_EQ(cli::take_interrupts(), 1);
  const cli::CancelOnSignal cancel(chat.session());
  EXPECT_EQ(chat.ask("What is the capital of Peru?").reason, StopReason::end_of_generation)
      << "it stops one answer, not the next";
}

// Ctrl-C while a line is typed, while the message is read, while it is answered and while that is saved.
TEST(ChatInterrupted, AHundredTimesAtRandomMoments) {
  const TempDir home;
  TerminalProcess chat({LONGHAND_PROGRAM, "chat", "--temp", "0", "--ignore-eos", "-c", "16384", "-t", "1"},
                       {{"HOME", home.path().string()},
                        {"XDG_DATA_HOME", home.file("data")},
                        {"XDG_STATE_HOME", home.file("state")},
                        {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(chat.expect("> "));
  chat.type("/save talk\n");
  ASSERT_TRUE(chat.expect("saved as talk"));
  ASSERT_TRUE(chat.expect("> "));
  std::minstd_rand random(1);
  std::vector<double> milliseconds;
  for (int i = 0; i < 100; ++i) {
    SCOPED_TRACE(i);
    const bool sent = i % 5 != 0;
    chat.type(sent ? "Tell me a story.\n" : "half a mess");
    ASSERT_TRUE(chat.expect(sent ? "story.\r\n" : "mess")) << chat.screen();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (i % 2 == 0 ? 2'000 : 80'000)));
    const auto pressed = std::chrono::steady_clock::now();
    chat.type("\x03");
    ASSERT_TRUE(chat.expect("\n") && chat.expect("> ")) << chat.screen();
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - pressed).count());
  }
  std::ranges::sort(milliseconds);
  RecordProperty("median_milliseconds", int(milliseconds[50]));
  RecordProperty("longest_milliseconds", int(milliseconds.back()));
  chat.type("/show\n");
  EXPECT_TRUE(chat.expect("talk")) << chat.screen();
  ASSERT_TRUE(chat.expect("> "));
  EXPECT_EQ(chat.leave(), 0) << chat.screen();
}

}  // namespace
}  // namespace longhand::test
