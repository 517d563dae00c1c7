// Vectors, scores and hidden states equal the reference on every instruction set.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/longhand.h"
#include "loaders/model/arch.h"
#include "ops/kernel_table.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

using Json = nlohmann::json;

std::vector<std::string> runnable_models() {
  std::vector<std::string> models;
  const std::string root = test::golden("archs");
  if (root.empty()) return models;
  for (const std::string& name : test::list_folder(root)) {
    const Json meta = Json::parse(test::read_text(root + "/" + name + "/meta.json"));
    if (meta.value("kind", "") == "embedding" && find_arch(meta.at("arch").get<std::string>()) != nullptr)
      models.push_back(name);
  }
  return models;
}

class GoldenEmbeddings : public testing::TestWithParam<std::string> {
 protected:
  const std::string folder_ = test::golden("archs/" + GetParam());
  const Json meta_ = Json::parse(test::read_text(folder_ + "/meta.json"));
  const std::vector<Token> ids_ =
      Json::parse(test::read_text(folder_ + "/tokens.json")).at("ids").get<std::vector<Token>>();

  std::vector<float> vectors(const Model& model, EmbedOptions options) const {
    options.normalize = false;
    Embedder embedder(model, options);
    std::vector<float> all;
    embedder.embed({&ids_, 1},
                   [&](std::size_t, std::span<const float> v) { all.assign(v.begin(), v.end()); });
    return all;
  }
  std::vector<float> truth(const std::string& file) const { return test::read_floats(folder_ + "/" + file); }
};

TEST_P(GoldenEmbeddings, EveryInstructionSetAgrees) {
  const double tolerance = meta_.at("nmse_tolerance");
  for (const Kernels* k : available_kernels()) {
    for (const bool repack : {true, false}) {
      const Model model = Model::load(folder_ + "/model.gguf", {.repack = repack, .isa = k->name});
      EXPECT_LE(test::nmse(vectors(model, {}), truth("embeddings.f32")), tolerance) << k->name;
      EXPECT_LE(test::nmse(vectors(model, {.pooling = Pooling::none}), truth("token_embeddings.f32")),
                tolerance)
          << k->name;
    }
  }
}

// To the last bit.
TEST_P(GoldenEmbeddings, BatchesAndThreadsChangeNothing) {
  const Model model = Model::load(folder_ + "/model.gguf");
  EmbedOptions options{.pooling = Pooling::none};
  options.session.threads = 1;
  const auto want = vectors(model, options);
  for (const auto& [batch, threads] : {std::pair{1, 1}, {7, 2}, {512, 3}}) {
    options.session.batch = batch;
    options.session.threads = threads;
    EXPECT_EQ(vectors(model, options), want) << "batch " << batch << ", threads " << threads;
  }
}

std::string model_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenEmbeddings);
INSTANTIATE_TEST_SUITE_P(Models, GoldenEmbeddings, testing::ValuesIn(runnable_models()), model_name);

TEST(GoldenEmbeddingData, IsHere) {
  const std::size_t whole_set = test::golden("archs/llama-Q4_K_M").empty() ? 1 : 15;
  EXPECT_GE(runnable_models().size(), whole_set);
}

}  // namespace
}  // namespace longhand
