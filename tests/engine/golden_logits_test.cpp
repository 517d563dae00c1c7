// Logits of every position equal the reference on every instruction set, however the tokens are fed.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/longhand.h"
#include "loaders/model/arch.h"
#include "ops/format.h"
#include "ops/kernel_table.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

using Json = nlohmann::json;

std::vector<float> all_logits(Session& session, const std::vector<Token>& ids) {
  std::vector<float> logits;
  session.feed(ids,
               [&](int, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
  return logits;
}

struct Golden {
  std::string folder;
  Json meta;
  std::vector<Token> ids;

  explicit Golden(const std::string& path)
      : folder(path), meta(Json::parse(test::read_text(path + "/meta.json"))) {
    const Json tokens = Json::parse(test::read_text(path + "/tokens.json"));
    ids = (tokens.is_array() ? tokens : tokens.at("ids")).get<std::vector<Token>>();
  }
  double tolerance() const { return meta.at("nmse_tolerance"); }
  // Where the engine that made the data strays from a model's authors, theirs are beside it.
  std::vector<float> truth() const {
    const std::string authors = folder + "/logits_neox.f32";
    return test::read_floats(std::filesystem::exists(authors) ? authors : folder + "/logits.f32");
  }
  std::string model() const { return folder + "/model.gguf"; }

  SessionOptions options() const {
    SessionOptions o;
    o.context = meta.at("n_ctx");
    o.key_cache = o.value_cache = CacheType::f32;
    // The reference lets queries of this model see all keys.
    o.attention.indexer = meta.at("arch") != "glm-dsa";
    if (const auto overrides = meta.find("context_overrides"); overrides != meta.end()) {
      o.rope.base = overrides->value("rope_freq_base", -1.0f);
      o.rope.yarn_beta_fast = overrides->value("yarn_beta_fast", -1.0f);
      o.rope.yarn_beta_slow = overrides->value("yarn_beta_slow", -1.0f);
      o.rope.yarn_ext_factor = overrides->value("yarn_ext_factor", -1.0f);
      o.rope.original_context = overrides->value("yarn_orig_ctx", -1);
    }
    return o;
  }
};

// Models whose architecture and tensor types this build knows.
std::vector<std::string> runnable_models() {
  std::set<std::string> types;
  for (int f = 0; f < kFormatCount; ++f) types.insert(format_info(FormatId(f)).name);
  std::vector<std::string> models;
  for (const char* set : {"archs", "rope"}) {
    const std::string root = test::golden(set);
    if (root.empty()) continue;
    for (const std::string& name : test::list_folder(root)) {
      // Their references stray from what the models' authors describe: one leaves out a rotation, the other
      // has norms and a choice of experts of another kind.
      if (name == "plamo2" || name == "phimoe") continue;
      const Golden g(root + "/" + name);
      if (g.meta.value("kind", "") == "embedding") continue;  // of these there are no logits
      bool known = find_arch(g.meta.at("arch").get<std::string>()) != nullptr;
      const Json used = g.meta.value("tensor_types", Json::object());
      for (const auto& [type, count] : used.items()) known = known && types.contains(type);
      if (known) models.push_back(std::string(set) + "/" + name);
    }
  }
  return models;
}

class GoldenLogits : public testing::TestWithParam<std::string> {
 protected:
  Golden golden{test::golden(GetParam())};
};

TEST_P(GoldenLogits, EveryInstructionSetAgrees) {
  for (const Kernels* k : available_kernels()) {
    for (const bool repack : {true, false}) {
      const Model model = Model::load(golden.model(), {.repack = repack, .isa = k->name});
      EXPECT_EQ(model.info().isa, k->name);
      Session session(model, golden.options());
      EXPECT_LE(test::nmse(all_logits(session, golden.ids), golden.truth()), golden.tolerance())
          << k->name << (repack ? "" : " from rows");
    }
  }
}

// With an f32 cache results do not depend on batches or threads, to the last bit.
TEST_P(GoldenLogits, BatchesAndThreadsChangeNothing) {
  const Model model = Model::load(golden.model());
  SessionOptions options = golden.options();
  options.threads = 1;
  Session whole(model, options);
  const auto want = all_logits(whole, golden.ids);
  for (const auto& [batch, threads] : {std::pair{1, 1}, {7, 2}, {512, 3}}) {
    options.batch = batch;
    options.threads = threads;
    Session session(model, options);
    ASSERT_EQ(all_logits(session, golden.ids), want) << "batch " << batch << ", threads " << threads;
  }
}

std::string model_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (!isalnum(std::uint8_t(c))) c = '_';
  }
  return name;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenLogits);
INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits, testing::ValuesIn(runnable_models()), model_name);

TEST(GoldenData, IsHere) {
  const std::size_t whole_set = test::golden("archs/llama-Q4_K_M").empty() ? 7 : 90;
  EXPECT_GE(runnable_models().size(), whole_set);
}

}  // namespace
}  // namespace longhand
