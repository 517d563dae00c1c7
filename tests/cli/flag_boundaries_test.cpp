// Every flag that takes a number, with numbers at the ends of what it may be and with what is none: the
// program does it or says in one line why not, in bounded time, and never crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

// The numeric flags a verb's help lists, as "  -c,--ctx-size N:INT in [0 - 9]  Tokens of context".
std::vector<std::string> numeric_flags(const std::string& verb) {
  std::vector<std::string> flags;
  std::istringstream help(run_process({LONGHAND_PROGRAM, verb, "--help"}).out);
  for (std::string line; std::getline(help, line);) {
    std::istringstream words(line);
    std::string names, type;
    words >> names >> type;
    const auto of_kind = [&](const std::string& kind) {
      return type.starts_with(kind) && (type.size() == kind.size() || !std::isalpha(type[kind.size()]));
    };
    if (names.starts_with('-') && (of_kind("N") || of_kind("F") || of_kind("INT") || of_kind("FLOAT")))
      flags.push_back(names.substr(names.rfind(',') + 1));
  }
  return flags;
}

class FlagBoundaries : public testing::Test {
 protected:
  void expect_clear(const Arguments& arguments) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const ProcessResult result = run_process(arguments, "", environment_);
    ++runs_;
    EXPECT_THAT(result.status, testing::AnyOf(0, 1, 2)) << result.err;
    if (result.status == 0) return;
    ++refused_;
    int errors = 0, others = 0;
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) ++(line.starts_with("error: ") ? errors : others);
    EXPECT_EQ(errors, 1) << result.err;
    EXPECT_LE(others, 2) << "a note, and where to look: " << result.err;
    EXPECT_LE(result.err.size(), 1000U);
  }

  TempDir dir_;
  Environment environment_{
      {"HOME", dir_.path().string()}, {"XDG_DATA_HOME", ""}, {"XDG_STATE_HOME", ""}, {"LONGHAND_MODEL", ""}};
  int runs_ = 0, refused_ = 0;
};

TEST_F(FlagBoundaries, AreMetOrRefused) {
  const std::string model = dir_.file("tiny.gguf");
  tiny_llama().write(model);
  std::string text;
  while (text.size() < 2000) text += "ab cd ef ";
  dir_.write("text", text);
  dir_.write("ids", "[1, 2, 3]");
  const struct {
    const char* name;
    Arguments arguments;
  } verbs[] = {
      {"run", {model, "-p", "ab", "-n", "2"}},
      {"chat", {model, "-p", "ab"}},
      {"bench", {model, "-p", "2", "-n", "1", "-r", "1"}},
      {"perplexity", {model, "-f", dir_.file("text"), "-c", "64"}},
      {"logits", {model, "--tokens", dir_.file("ids"), "-o", dir_.file("out")}},
  };
  const char* const values[] = {"-1", "0", "1073741824", "2147483648", "1e400", "nan", "1e9", "", "text"};
  std::set<std::string> seen;  // what verbs share is the same code
  for (const auto& verb : verbs) {
    const std::vector<std::string> flags = numeric_flags(verb.name);
    EXPECT_GE(flags.size(), 5U) << verb.name;
    for (const std::string& flag : flags) {
      const bool own = seen.insert(flag).second || (flag == "--threads" && verb.name == std::string("bench"));
      if (!own) continue;
      for (const std::string value : values) {
        Arguments arguments = {LONGHAND_PROGRAM, verb.name};
        arguments.insert(arguments.end(), verb.arguments.begin(), verb.arguments.end());
        if (flag != "--threads") arguments.insert(arguments.end(), {"-t", "1"});
        arguments.push_back(flag + "=" + value);
        expect_clear(arguments);
      }
    }
  }
  RecordProperty("flags", int(seen.size()));
  RecordProperty("runs", runs_);
  RecordProperty("refused", refused_);
  EXPECT_GE(seen.size(), 40U);
  EXPECT_GT(refused_, runs_ / 3);
}

}  // namespace
}  // namespace longhand::test
