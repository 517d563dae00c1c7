// What scripts can ask of chat and run: events, prompts from several places, the prompt as the model sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";
const std::string kPeru = "What is the capital of Peru?";

ProcessResult program(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
  return run_process(arguments, input, {{"LONGHAND_MODEL", ""}});
}

struct Events {
  std::vector<nlohmann::json> all;
  explicit Events(const std::string& output) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line));
  }
  std::vector<nlohmann::json> of(const std::string& name) const {
    std::vector<nlohmann::json> out;
    for (const auto& event : all) {
      if (event["event"] == name) out.push_back(event);
    }
    return out;
  }
  std::string text(const std::string& name) const {
    std::string out;
    for (const auto& event : of(name)) out += event["text"].get<std::string>();
    return out;
  }
};

TEST(ChatEvents, TellAScriptEverything) {
  const ProcessResult result = program({"chat", "--json", "--temp", "0"}, kPeru + "\n" + kPeru + "\n");
  EXPECT_EQ(result.status, 0) << result.err;
  const Events events(result.out);
  EXPECT_EQ(events.all.front()["event"], "progress");
  EXPECT_EQ(events.all.front()["what"], "loading");
  ASSERT_EQ(events.of("ready").size(), 1u);
  EXPECT_EQ(events.of("ready")[0]["context"], 2048);
  EXPECT_EQ(events.text("text"), "The capital of Peru is Lima.The capital of Peru is Lima.");
  ASSERT_EQ(events.of("end").size(), 2u);
  const auto end = events.of("end")[0];
  EXPECT_EQ(end["reason"], "end_of_generation");
  EXPECT_EQ(end["written_tokens"], 11);
  EXPECT_GT(end["context_used"], 11);
  EXPECT_EQ(events.all.back()["event"], "end");
  EXPECT_THAT(events.of("error"), IsEmpty());
}

TEST(ChatEvents, ErrorsAreEventsWithTheirCode) {
  const ProcessResult no_model = program({"chat", "--json", "-m", "/no/such/file"});
  EXPECT_EQ(no_model.status, 1);
  EXPECT_EQ(Events(no_model.out).all.back()["code"], "E_IO");
  EXPECT_THAT(no_model.err, StartsWith("error: "));
  const ProcessResult too_long =
      program({"chat", "--json", "--commands"}, std::string(100'000, 'x') + "\n/load ../x\n");
  EXPECT_EQ(too_long.status, 1);
  const auto errors = Events(too_long.out).of("error");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0]["code"], "E_CONTEXT_FULL");
  EXPECT_EQ(errors[1]["code"], "E_RANGE");
}

TEST(ChatEvents, AreAsciiWhateverTheTextHolds) {
  const ProcessResult result =
      program({"chat", "--json", "--show-prompt", "-n", "4"}, "Gr\xC3\xBC\xC3\x9F dich \xFF\n");
  for (const char c : result.out) EXPECT_LT(std::uint8_t(c), 0x80);
  EXPECT_THAT(Events(result.out).text("prompt"), HasSubstr("Gr\xC3\xBC\xC3\x9F dich"));
}

TEST(RunEvents, AreThoseOfAChat) {
  const ProcessResult result = program({"run", kGuide, "--json", "-p", "Once", "-n", "5", "--temp", "0"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Events events(result.out);
  EXPECT_EQ(events.of("ready").size(), 1u);
  EXPECT_EQ(events.text("text"), program({"run", kGuide, "-p", "Once", "-n", "5", "--temp", "0"}).out);
  ASSERT_EQ(events.of("end").size(), 1u);
  EXPECT_EQ(events.of("end")[0]["reason"], "token_limit");
  EXPECT_EQ(events.of("end")[0]["written_tokens"], 5);
}

TEST(Prompts, ComeFromAPipeAFileAndTheCommandLine) {
  const TempDir dir;
  const std::string file = dir.write("question.txt", "from the file\n");
  const auto prompt = [&](std::vector<std::string> flags, const std::string& input) {
    flags.insert(flags.begin(), {"chat", "--show-prompt", "-n", "1"});
    const ProcessResult result = program(flags, input);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(prompt({"-p", "from the flag"}, "from the pipe\nin two lines\n"),
              HasSubstr("user\nfrom the pipe\nin two lines\n\nfrom the flag<|im_end|>"));
  EXPECT_THAT(prompt({"-f", file, "-p", "from the flag"}, ""),
              HasSubstr("user\nfrom the file\n\nfrom the flag<|im_end|>"));
  EXPECT_THAT(prompt({"-f", file}, ""), HasSubstr("user\nfrom the file<|im_end|>"));
  EXPECT_THAT(prompt({"-f", "-", "-st"}, "one\ntwo\n"), HasSubstr("user\none\ntwo<|im_end|>"));
  EXPECT_THAT(prompt({"-sys", "Be brief.", "-p", "x"}, ""), HasSubstr("system\nBe brief.<|im_end|>"));
}

TEST(Prompts, OfRunAreAFileBeforeText) {
  const TempDir dir;
  const std::string file = dir.write("text.txt", "one two\n");
  const ProcessResult both = program({"run", kGuide, "-f", file, "-p", "three", "-n", "1", "--show-prompt"});
  EXPECT_THAT(both.err, HasSubstr("one two\nthree")) << both.err;
  EXPECT_THAT(program({"run", kGuide, "-f", "-", "-p", "three", "-n", "1", "--show-prompt"}, "piped ").err,
              HasSubstr("piped three"));
}

TEST(Prompts, ShowWhatTheModelSeesAndNothingOnStdout) {
  const ProcessResult result = program({"chat", "--temp", "0", "--show-prompt"}, kPeru + "\n");
  EXPECT_EQ(result.out, "The capital of Peru is Lima.\n");
  EXPECT_THAT(result.err, HasSubstr("<|im_start|>user\n" + kPeru + "<|im_end|>\n<|im_start|>assistant\n"));
}

// A model whose template opens the reasoning if it is asked to, as many do.
std::string thinking_model(const TempDir& dir) {
  GgufWriter writer = tiny_llama();
  std::erase_if(writer.entries, [](const auto& e) { return e.key == "tokenizer.chat_template"; });
  writer.add(
      "tokenizer.chat_template",
      std::string("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
                  "<|im_start|>assistant\n"
                  "{% if enable_thinking is defined and not enable_thinking %}<think></think>"
                  "{% else %}<think>{% endif %}"));
  const std::string path = dir.file("thinking.gguf");
  writer.write(path);
  return path;
}

TEST(Reasoning, IsSwitchedByFlagAndCommand) {
  const TempDir dir;
  const std::string model = thinking_model(dir);
  const auto prompt = [&](std::vector<std::string> flags, const std::string& input) {
    flags.insert(flags.begin(), {"chat", model, "--show-prompt", "-n", "1", "--json"});
    return Events(program(flags, input).out).of("prompt").back()["text"].get<std::string>();
  };
  EXPECT_THAT(prompt({}, "Hi\n"), testing::EndsWith("<think>"));
  EXPECT_THAT(prompt({"--reasoning", "on"}, "Hi\n"), testing::EndsWith("<think>"));
  EXPECT_THAT(prompt({"--reasoning", "off"}, "Hi\n"), testing::EndsWith("<think></think>"));
  EXPECT_THAT(prompt({"--reasoning-budget", "0"}, "Hi\n"), testing::EndsWith("<think></think>"));
  EXPECT_THAT(prompt({"--commands"}, "/think off\nHi\n"), testing::EndsWith("<think></think>"));
  EXPECT_THAT(prompt({"--commands"}, "/set think off\nHi\n/set think auto\nHo\n"),
              testing::EndsWith("<think>"));
}

TEST(Reasoning, IsToldApartInEvents) {
  const TempDir dir;
  const Events events(program({"chat", thinking_model(dir), "--json", "-n", "6", "-s", "1"}, "Hi\n").out);
  EXPECT_THAT(events.of("reasoning"), Not(IsEmpty()));
}

TEST(SimpleIo, IsForProgramsThatKnowNoEscapes) {
  const TempDir home;
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0", "--simple-io"},
                          {{"HOME", home.path().string()}, {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(process.expect("> "));
  process.type(kPeru + "\n");
  ASSERT_TRUE(process.expect("Lima."));
  ASSERT_TRUE(process.expect("> "));
  process.type("\"\"\"two\nlines\"\"\"\n");
  ASSERT_TRUE(process.expect("... "));
  ASSERT_TRUE(process.expect("tokens/s"));
  EXPECT_EQ(process.leave(), 0);
  EXPECT_THAT(process.screen(), Not(HasSubstr("\x1b")));
}

TEST(Colours, RespectNoColor) {
  const TempDir home;
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0"},
                          {{"NO_COLOR", "1"}, {"HOME", home.path().string()}, {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(process.expect("> "));
  process.type(kPeru + "\n");
  ASSERT_TRUE(process.expect("tokens/s"));
  EXPECT_THAT(process.screen(), Not(HasSubstr("\x1b[2m")));
}

}  // namespace
}  // namespace longhand::test
