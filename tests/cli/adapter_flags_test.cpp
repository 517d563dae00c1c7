#include "cli/flags/adapter_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "cli/flags/arguments.h"
#include "tests/support/golden.h"
#include "tests/support/lora.h"
#include "tests/support/process.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ScaledFile, IsAFileWithOrWithoutAScale) {
  EXPECT_EQ(scaled_file("--lora", "a.gguf").path, "a.gguf");
  EXPECT_EQ(scaled_file("--lora", "a.gguf").scale, 1);
  EXPECT_EQ(scaled_file("--lora", "dir:1/a.gguf:-0.5").path, "dir:1/a.gguf");
  EXPECT_EQ(scaled_file("--lora", "dir:1/a.gguf:-0.5").scale, -0.5f);
  for (const char* text : {"a.gguf:", "a.gguf:x", "a.gguf:inf", "a.gguf:nan"})
    EXPECT_THROW(scaled_file("--lora", text), CLI::ValidationError) << text;
  const test::TempDir dir;
  const std::string odd = dir.write("a.gguf:2", "");
  EXPECT_EQ(scaled_file("--lora", odd).path, odd);
}

TEST(ScaledFile, MayHaveItsScaleBehindIt) {
  EXPECT_THAT(normalise_arguments({"run", "--lora-scaled", "a.gguf", "0.5", "m.gguf",
                                   "--control-vector-scaled", "v.gguf", "-2", "--lora", "b.gguf", "0.5"}),
              ElementsAre("run", "--lora-scaled", "a.gguf:0.5", "m.gguf", "--control-vector-scaled",
                          "v.gguf:-2", "--lora", "b.gguf", "0.5"));
  EXPECT_THAT(normalise_arguments({"run", "--lora-scaled", "a.gguf:0.5", "m.gguf"}),
              ElementsAre("run", "--lora-scaled", "a.gguf:0.5", "m.gguf"));
  EXPECT_THAT(normalise_arguments({"run", "--lora-scaled"}), ElementsAre("run", "--lora-scaled"));
}

class AdaptedProgram : public testing::Test {
 protected:
  void SetUp() override {
    file_ = test::random_model({"llama", {{"block_count", 3}}}).bytes();
    const Model model = Model::load_memory(file_);
    dir_.write("m.gguf", {reinterpret_cast<const char*>(file_.data()), file_.size()});
    for (unsigned seed : {1u, 2u}) {
      const auto lora = test::random_lora(model, {.seed = seed}).bytes();
      dir_.write(seed == 1 ? "a.gguf" : "b.gguf", {reinterpret_cast<const char*>(lora.data()), lora.size()});
    }
    test::GgufWriter w;
    for (const char* name : {"direction.1", "direction.2"})
      w.tensor(name, {32}, std::vector<float>(32, 0.25f));
    w.write(dir_.file("v.gguf"));
    dir_.write("ids.json", "[1, 2, 3, 4, 5]");
  }

  std::vector<float> logits(const std::vector<std::string>& more) const {
    test::Arguments arguments = {LONGHAND_PROGRAM,
                                 "logits",
                                 dir_.file("m.gguf"),
                                 "--tokens",
                                 dir_.file("ids.json"),
                                 "-o",
                                 dir_.file("out.f32"),
                                 "-ctk",
                                 "f32",
                                 "-ctv",
                                 "f32",
                                 "-t",
                                 "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::ProcessResult result = test::run_process(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return test::read_floats(dir_.file("out.f32"));
  }
  std::vector<float> expected(const std::function<void(const Model&, SessionOptions&)>& change) const {
    const Model model = Model::load_memory(file_);
    SessionOptions o;
    o.threads = 1;
    o.key_cache = o.value_cache = CacheType::f32;
    change(model, o);
    Session session(model, o);
    std::vector<float> all;
    session.feed(std::vector<Token>{1, 2, 3, 4, 5},
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
    return all;
  }

  test::TempDir dir_;
  std::vector<std::byte> file_;
};

TEST_F(AdaptedProgram, ComputesWithAllThatAreNamed) {
  const auto both = expected([&](const Model& model, SessionOptions& o) {
    o.adapters = {{Adapter::load(model, dir_.file("a.gguf")), 0.5f},
                  {Adapter::load(model, dir_.file("b.gguf")), -1}};
  });
  EXPECT_EQ(logits({"--lora", dir_.file("a.gguf") + ":0.5", "--lora-scaled", dir_.file("b.gguf"), "-1"}),
            both);
  EXPECT_EQ(logits({"--lora", dir_.file("a.gguf") + ":0.5," + dir_.file("b.gguf") + ":-1"}), both);
  EXPECT_NE(logits({}), both);
  const std::string odd = dir_.file("a,b.gguf");
  std::filesystem::copy(dir_.file("a.gguf"), odd);
  EXPECT_EQ(logits({"--lora", odd + ":0.5", "--lora", dir_.file("b.gguf") + ":-1"}), both);
}

TEST_F(AdaptedProgram, SteersTheLayersThatAreNamed) {
  const auto steered = [&](int first, int last) {
    return expected([&](const Model& model, SessionOptions& o) {
      o.control_vectors = {{ControlVector::load(model, dir_.file("v.gguf")), 2, first, last}};
    });
  };
  const std::string file = dir_.file("v.gguf");
  EXPECT_EQ(logits({"--control-vector-scaled", file, "2"}), steered(0, 100));
  EXPECT_EQ(logits({"--control-vector", file + ":2", "--control-vector-layer-range", "2", "2"}),
            steered(2, 2));
  EXPECT_NE(steered(2, 2), steered(0, 100));
}

TEST_F(AdaptedProgram, NamesWhatIsWrong) {
  const auto fails = [&](const std::vector<std::string>& more, const std::string& message) {
    test::Arguments arguments = {LONGHAND_PROGRAM, "run", dir_.file("m.gguf"), "-p", "a", "-n", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::ProcessResult result = test::run_process(arguments);
    EXPECT_NE(result.status, 0);
    EXPECT_THAT(result.err, HasSubstr(message));
  };
  fails({"--lora", dir_.file("nowhere.gguf")}, "nowhere.gguf");
  fails({"--lora", dir_.file("m.gguf")}, "general.type");
  fails({"--lora", dir_.file("a.gguf") + ":much"}, "must be a number");
  fails({"--control-vector", dir_.file("a.gguf")}, "direction.1");
}

}  // namespace
}  // namespace longhand::cli
