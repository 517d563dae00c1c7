// The program as scripts see it: exit statuses, what goes to stdout and what to stderr.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ops/host/machine.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ProcessResult program(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
  return run_process(arguments, input);
}

constexpr const char* kVerbs[] = {"chat",     "run",    "models", "pull",       "info",    "tokenize",
                                  "template", "logits", "bench",  "perplexity", "passkey", "convert"};
const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

TEST(Program, SaysItsVersion) {
  const ProcessResult result = program({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out.substr(0, result.out.find('\n')),
              testing::MatchesRegex("longhand [0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("build"), HasSubstr("instruction sets")));
}

TEST(Program, HelpNamesEveryVerb) {
  const ProcessResult result = program({"--help"});
  EXPECT_EQ(result.status, 0);
  for (const char* verb : kVerbs) EXPECT_THAT(result.out, HasSubstr(verb));
  for (const char* variable : {"LONGHAND_MODEL", "LONGHAND_ISA", "NO_COLOR", "XDG_STATE_HOME"})
    EXPECT_THAT(result.out, HasSubstr(variable));
}

TEST(Program, EveryVerbHasHelp) {
  for (const char* verb : kVerbs) {
    for (const char* flag : {"-h", "--help"}) {
      const ProcessResult result = program({verb, flag});
      EXPECT_EQ(result.status, 0) << verb;
      EXPECT_THAT(result.out, AllOf(HasSubstr("Usage: longhand"), HasSubstr(verb)));
      EXPECT_THAT(result.err, IsEmpty());
    }
  }
}

TEST(Program, WrongUsageExitsWithTwoAndSaysWhereToLook) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"nosuchverb"},
                                                       {"info"},
                                                       {"info", "a", "--nosuchflag"},
                                                       {"info", kGuide, "--tensor", "x"},
                                                       {"logits", kGuide},
                                                       {"bench"},
                                                       {"template", "--input", "x"},
                                                       {"bench", kGuide, "-r", "many"},
                                                       {"bench", kGuide, "-r", "0"},
                                                       {"chat", "-c", "-5"},
                                                       {"chat", "-ctk", "q3_k"},
                                                       {"run", kGuide, "-p", "a", "-bf", "b"},
                                                       {"chat", "--rope-scaling", "sideways"}};
  for (const auto& arguments : wrong) {
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(result.err, HasSubstr("--help")) << testing::PrintToString(arguments);
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, TheEnvironmentNamesTheModelForEveryVerb) {
  const TempDir dir;
  const std::string ids = dir.write("ids.json", "[1]"), text = dir.write("text", std::string(2000, 'a'));
  const std::string variables = dir.write("variables.json", R"({"messages": []})");
  const Arguments calls[] = {{"run", "-p", "Hello", "-n", "1"},
                             {"chat", "-p", "Hello", "-n", "1"},
                             {"info"},
                             {"tokenize", "Hello"},
                             {"tokenize"},
                             {"template", "--input", variables},
                             {"logits", "--tokens", ids, "-o", dir.file("out")},
                             {"bench", "-p", "1", "-n", "0", "-r", "1"},
                             {"bench", "--synthetic", "tiny:Q4_0", "-p", "1", "-n", "0", "-r", "1"},
                             {"perplexity", "-f", text, "-c", "64", "--chunks", "1"},
                             {"passkey", "-n", "128", "--samples", "1", "--depths", "50"}};
  for (Arguments call : calls) {
    call.insert(call.begin(), LONGHAND_PROGRAM);
    const ProcessResult found = run_process(call, "Hello", {{"LONGHAND_MODEL", kGuide}});
    EXPECT_EQ(found.status, 0) << testing::PrintToString(call) << found.err;
    const ProcessResult asked = run_process(call, "Hello", {{"LONGHAND_MODEL", dir.file("absent")}});
    const bool needs_none = std::ranges::find(call, "--synthetic") != call.end();
    EXPECT_EQ(asked.status, needs_none ? 0 : 1) << testing::PrintToString(call) << asked.err;
  }
}

TEST(Program, AModelThatIsNamedGoesBeforeTheEnvironment) {
  const Environment environment = {{"LONGHAND_MODEL", "/nowhere"}};
  for (const Arguments& call :
       {Arguments{"info", kGuide}, Arguments{"tokenize", kGuide, "Hello"}, Arguments{"tokenize", kGuide},
        Arguments{"tokenize", "-m", kGuide, "Hello"}}) {
    Arguments arguments = call;
    arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
    EXPECT_EQ(run_process(arguments, "Hello", environment).status, 0) << testing::PrintToString(call);
  }
}

TEST(Program, UnknownWordsOfOneDashAreRefusedByName) {
  for (const char* flag : {"-hx", "-nq", "-pq", "-cd", "-zq"}) {
    const ProcessResult result = program({"run", kGuide, flag, "2"});
    EXPECT_EQ(result.status, 2) << flag;
    EXPECT_EQ(result.err, fmt::format("error: unknown option {}\nTry: longhand run --help\n", flag));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, FlagsThatMeanNothingHereAreAcceptedAndNamed) {
  const Arguments flags = {"-ngl", "99",   "-ngld", "99",  "-nopo", "-nkvo", "0",        "-devd",
                           "none", "-fit", "on",    "-lv", "3",     "-cmoe", "--no-host"};
  for (const char* verb : {"run", "chat"}) {
    Arguments arguments = {verb, kGuide, "-p", "Hello", "-n", "1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.insert(arguments.end(), {"--color", "off", "--offline"});
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("note: no effect here: "), HasSubstr("--gpu-layers-draft"),
                                  HasSubstr("--no-op-offload"), HasSubstr("--fit")));
  }
  const ProcessResult bench = program({"bench", "--synthetic", "tiny:Q4_0", "-p", "1", "-n", "0", "-r", "1",
                                       "-nkvo", "0", "-nopo", "1", "-ngl", "99"});
  EXPECT_EQ(bench.status, 0) << bench.err;
}

// run never shifts its context, so that all of it is kept.
TEST(Program, KeepingTheContextIsAcceptedWhereItIsKept) {
  for (const char* verb : {"run", "chat"}) {
    const ProcessResult moved = program({verb, kGuide, "-p", "Hello", "-n", "1", "--no-context-shift"});
    EXPECT_EQ(moved.status, 0) << moved.err;
    EXPECT_THAT(moved.err, testing::Not(HasSubstr("context-shift")));
    const ProcessResult kept = program({verb, kGuide, "-p", "Hello", "-n", "1", "--keep", "-1"});
    EXPECT_EQ(kept.status, 0) << kept.err;
  }
}

TEST(Program, WordsThatMeanNothingAreNamedInTheirOrderWithTheNearest) {
  EXPECT_THAT(program({"chta"}).err, HasSubstr("there is no verb 'chta'; the nearest is chat"));
  EXPECT_EQ(program({"chta"}).status, 2);
  const std::string told = program({"run", kGuide, "-p", "x", "--frist", "--tmep", "1", "--zebra"}).err;
  EXPECT_THAT(told, AllOf(HasSubstr("not expected: --frist --tmep 1 --zebra"),
                          HasSubstr("the nearest to --tmep is --temp")));
}

TEST(Program, HelpTakesAVerb) {
  EXPECT_EQ(program({"help", "run"}).out, program({"run", "--help"}).out);
  EXPECT_EQ(program({"help"}).out, program({"--help"}).out);
  EXPECT_EQ(program({"help", "nosuch"}).status, 2);
}

TEST(Program, FlagsAreWrittenWithUnderscoresToo) {
  const ProcessResult result =
      program({"run", kGuide, "-p", "Hello", "--n_predict", "1", "--ctx_size=64", "-ctk", "f32"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(program({"run", kGuide, "-p", "--a_b", "-n", "1", "--show-prompt"}).status, 0)
      << "text stays text";
}

TEST(Program, TheEnvironmentGivesFlagsThatTheCommandLineDoesNot) {
  const Arguments call = {LONGHAND_PROGRAM, "run", kGuide, "-p", "Hello", "--temp", "0", "--json"};
  const auto words = [&](const Environment& environment, Arguments more = {}) {
    Arguments all = call;
    all.insert(all.end(), more.begin(), more.end());
    const ProcessResult result = run_process(all, "", environment);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  };
  const Environment set = {{"LLAMA_ARG_N_PREDICT", "2"}, {"LLAMA_ARG_CTX_SIZE", "96"}};
  EXPECT_THAT(words(set), AllOf(HasSubstr("\"written_tokens\":2"), HasSubstr("\"context\":96")));
  EXPECT_THAT(words(set, {"-n", "3"}), HasSubstr("\"written_tokens\":3")) << "the command line wins";
  EXPECT_EQ(
      run_process({LONGHAND_PROGRAM, "run", kGuide, "-p", "x"}, "", {{"LLAMA_ARG_CTX_SIZE", "many"}}).status,
      2);
}

TEST(Program, SaysMoreWhereItIsAskedTo) {
  for (const char* verb : {"run", "chat"}) {
    const ProcessResult result = program({verb, kGuide, "-p", "Hello", "-n", "1", "-v", "--seed", "42"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("loaded in"), HasSubstr("kernels"), HasSubstr("seed 42")));
  }
}

TEST(Program, TakesTheThreadsOfOpenMP) {
  const auto threads = [](const Environment& environment, Arguments more = {}) {
    Arguments call = {LONGHAND_PROGRAM, "run", kGuide, "-p", "Hello", "-n", "1", "-v"};
    call.insert(call.end(), more.begin(), more.end());
    const ProcessResult result = run_process(call, "", environment);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(threads({{"OMP_NUM_THREADS", "3,2"}}), HasSubstr("note: 3 threads, "));
  EXPECT_THAT(threads({{"OMP_NUM_THREADS", "3"}, {"LLAMA_ARG_THREADS", "2"}}),
              HasSubstr("note: 2 threads, "));
  EXPECT_THAT(threads({{"OMP_NUM_THREADS", "3"}}, {"-t", "1"}), HasSubstr("note: 1 threads, "));
  EXPECT_THAT(threads({{"OMP_NUM_THREADS", "many"}}), HasSubstr(" threads, "));
  EXPECT_THAT(threads({{"OMP_NUM_THREADS", "2"}, {"OMP_PLACES", "threads(1)"}}),
              HasSubstr("note: 2 threads, "));
  EXPECT_THAT(threads({{"OMP_PLACES", "{0"}}), HasSubstr("note: OMP_PLACES '{0' is not understood"));
}

TEST(Program, ATextEndsBeforeAStopString) {
  const ProcessResult whole =
      program({"run", kGuide, "-p", "The capital of Peru is", "-n", "8", "--temp", "0"});
  ASSERT_GE(whole.out.size(), 4u);
  const std::string stop = whole.out.substr(2, 2);
  const ProcessResult ended =
      program({"run", kGuide, "-p", "The capital of Peru is", "-n", "8", "--temp", "0", "-r", stop});
  EXPECT_EQ(ended.out, whole.out.substr(0, whole.out.find(stop)));
  EXPECT_EQ(
      program({"chat", kGuide, "-p", "What is the capital of Peru?", "--temp", "0", "--stop", " is"}).out,
      "The capital of Peru\n");
}

TEST(Program, APromptIsReadOnceWhereItsCacheIsKept) {
  const TempDir dir;
  const std::string cache = dir.file("prompt.cache");
  std::string text;
  for (int i = 0; i < 30; ++i) text += "The capital of Peru is Lima. ";
  const auto run = [&](const std::string& prompt, Arguments more = {}) {
    Arguments call = {"run",    kGuide, "-p",     prompt,           "-n", "4",
                      "--temp", "0",    "--json", "--prompt-cache", cache};
    call.insert(call.end(), more.begin(), more.end());
    const ProcessResult result = program(call);
    EXPECT_EQ(result.status, 0) << result.err;
    std::string said;
    int read = -1;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line);
      if (event["event"] == "text") said += event["text"];
      if (event["event"] == "end") read = event["read_tokens"];
    }
    return std::pair(said, read);
  };
  const auto first = run(text), again = run(text), longer = run(text + "And yet");
  EXPECT_GT(first.second, 100);
  EXPECT_EQ(again.second, 1) << "the last token, for its logits";
  EXPECT_EQ(again.first, first.first);
  EXPECT_LT(longer.second, 10);
  EXPECT_GT(run("Something else", {"--prompt-cache-ro"}).second, 1);
  EXPECT_LT(run(text + "And yet", {"--prompt-cache-ro"}).second, 10) << "it was left as it was";
  EXPECT_THAT(
      program({"run", kGuide, "-p", "a", "-n", "1", "--prompt-cache", dir.write("other", "text")}).err,
      HasSubstr("the prompt cache is not used"));
}

TEST(Program, BenchMeasuresEveryModelThatIsNamed) {
  const TempDir dir;
  const std::string other = dir.file("other.gguf");
  ASSERT_EQ(program({"bench", "--synthetic", "tiny:Q4_0", "--write", other, "-p", "0", "-n", "0"}).status, 0);
  const Arguments tests = {"-p", "4", "-n", "0", "-r", "1", "--no-warmup"};
  const auto measure = [&](Arguments call) {
    call.insert(call.begin(), "bench");
    call.insert(call.end(), tests.begin(), tests.end());
    const ProcessResult result = program(call);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  };
  const auto rows = nlohmann::json::parse(measure({"-m", kGuide, "-m", other, "-o", "json"}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["model_filename"], kGuide);
  EXPECT_EQ(rows[1]["model_filename"], other);
  EXPECT_THAT(measure({"-m", kGuide, "-m", other}), HasSubstr(other + ": load"));
}

TEST(Program, EveryVerbRefusesWhatIsNoModel) {
  const TempDir dir;
  const std::string path = dir.write("a b\x1b.gguf", "not a model at all, but long enough for a header");
  const std::string ids = dir.write("ids.json", "[1]");
  const std::vector<std::vector<std::string>> calls = {
      {"chat", path},   {"run", path, "-p", "x"},
      {"info", path},   {"logits", path, "--tokens", ids, "-o", dir.file("out")},
      {"bench", path},  {"perplexity", path, "-f", ids},
      {"passkey", path}};
  for (const auto& arguments : calls) {
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, 1) << arguments[0];
    EXPECT_THAT(result.err, AllOf(StartsWith("error: "), HasSubstr("\\x1b.gguf"), HasSubstr("[E_MAGIC]")))
        << arguments[0];
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, StrangeFilesAreRefusedWithoutHanging) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.file("fifo").c_str(), 0600), 0);
  for (const std::string& path : {dir.path().string(), dir.file("fifo"), std::string("/dev/zero"),
                                  dir.file("absent"), std::string(5000, 'x')}) {
    const ProcessResult result = program({"chat", "-m", path});
    EXPECT_EQ(result.status, 1) << path.substr(0, 40);
    EXPECT_THAT(result.err, HasSubstr("[E_IO]"));
    EXPECT_LE(result.err.size(), 520u);
  }
}

TEST(Program, ScalingThatContradictsItselfIsRefusedInOneLine) {
  const std::pair<Arguments, int> calls[] = {{{"--rope-scaling", "none", "--rope-scale", "3"}, 1},
                                             {{"--rope-scale", "2", "--rope-freq-scale", "0.5"}, 2},
                                             {{"--rope-scaling", "linear", "--yarn-beta-fast", "16"}, 1},
                                             {{"--yarn-ext-factor", "0.5"}, 1}};
  for (const auto& [flags, status] : calls) {
    Arguments arguments = {"run", kGuide, "-p", "Hello", "-n", "1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, status) << testing::PrintToString(flags);
    EXPECT_THAT(result.err, AllOf(StartsWith("error: "), HasSubstr(flags[flags.size() - 2])));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, MoreThreadsThanCoresAreNotedOnce) {
  const int cores = usable_cores();
  const std::string few = std::to_string(cores), many = std::to_string(cores + 1);
  const std::string note = fmt::format("note: {} threads on {} core", many, few);
  const Arguments run = {"run", kGuide, "-p", "Hello", "-n", "1"},
                  bench = {"bench", "--synthetic", "tiny:Q4_0", "-p", "1", "-n", "1", "-r", "1"},
                  passkey = {"passkey", kGuide, "-n", "128,160", "--samples", "1", "--depths", "50"};
  for (const Arguments& call : {run, bench, passkey}) {
    Arguments with_few = call, with_many = call;
    with_few.insert(with_few.end(), {"-t", few});
    with_many.insert(with_many.end(), {"-t", many});
    EXPECT_EQ(program(with_few).err, "");
    const std::string told = program(with_many).err;
    EXPECT_THAT(told, StartsWith(note));
    EXPECT_EQ(std::ranges::count(told, '\n'), 1) << told;
  }
}

TEST(Program, AFlagThatSwallowedTheModelSaysSo) {
  const ProcessResult result = program({"run", "--log-n", "model.gguf", "-p", "Hello"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("'model.gguf'"), HasSubstr("a model file goes before --log-n")));
}

TEST(Program, AReaderThatLeavesEndsItQuietly) {
  const std::string command =
      std::string(LONGHAND_PROGRAM) + " info " + kGuide + " --json --array-elements 2000";
  const ProcessResult result =
      run_process({"/bin/bash", "-c", command + " | head -1; exit ${PIPESTATUS[0]}"});
  EXPECT_EQ(result.out, "{\n");
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_EQ(result.status, 128 + SIGPIPE);
}

}  // namespace
}  // namespace longhand::test
