// Attention memories: what each computes, and that nothing depends on how the text was fed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/memories.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using Json = nlohmann::json;

std::vector<float> all_logits(Session& session, std::span<const Token> ids) {
  std::vector<float> logits;
  session.feed(ids,
               [&](int, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
  return logits;
}

using test::code_of;

// Options of a golden variant, from its meta.json.
SessionOptions options_of(const Json& meta) {
  SessionOptions o;
  o.context = 256;
  o.key_cache = o.value_cache = CacheType::f32;
  const Json& given = meta.at("options");
  if (const auto rope = given.find("rope"); rope != given.end()) {
    const std::map<std::string, RopeScaling> kinds = {
        {"linear", RopeScaling::linear},       {"ntk", RopeScaling::ntk},
        {"ntk_fixed", RopeScaling::ntk_fixed}, {"ntk_mixed", RopeScaling::ntk_mixed},
        {"yarn", RopeScaling::yarn},
    };
    o.rope.scaling = kinds.at(rope->at("kind"));
    o.rope.factor = rope->at("factor");
    o.rope.original_context = rope->value("orig", -1);
  }
  if (given.contains("gain")) o.attention.log_n = given["gain"].at("train_length");
  if (!given.contains("attention")) return o;
  o.attention.memory = given["attention"];
  std::replace(o.attention.memory.begin(), o.attention.memory.end(), '_', '-');
  o.attention.window = given.at("window");
  o.attention.far = given.value("far_distance", -1);
  o.attention.leak = given.value("leak", -1.0f);
  const bool sinks =
      o.attention.memory == "window" || o.attention.memory == "vq" || o.attention.memory == "performer";
  o.attention.sinks = sinks ? given.value("sinks", 0) : -1;
  return o;
}

std::vector<std::string> variants() {
  const std::string root = test::golden("long-context");
  return root.empty() ? std::vector<std::string>{} : test::list_folder(root);
}

class LongContextGolden : public testing::TestWithParam<std::string> {};

TEST_P(LongContextGolden, EqualsItsDefinition) {
  const std::string folder = test::golden("long-context/" + GetParam());
  const Json meta = Json::parse(test::read_text(folder + "/meta.json"));
  const auto ids = Json::parse(test::read_text(folder + "/tokens.json")).get<std::vector<Token>>();
  const Model model = Model::load(folder + "/model.gguf");
  SessionOptions options = options_of(meta);
  options.threads = 1;
  Session whole(model, options);
  const std::vector<float> want = all_logits(whole, ids);
  EXPECT_LE(test::nmse(want, test::read_floats(folder + "/logits.f32")), 1e-9);
  for (const auto& [batch, threads] : {std::pair{1, 1}, {7, 3}, {100, 2}}) {
    options.batch = batch;
    options.threads = threads;
    Session session(model, options);
    EXPECT_EQ(all_logits(session, ids), want) << "batch " << batch << ", threads " << threads;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LongContextGolden);
INSTANTIATE_TEST_SUITE_P(Variants, LongContextGolden, testing::ValuesIn(variants()),
                         [](const auto& info) { return info.param; });

TEST(LongContextGoldenData, IsHere) { EXPECT_GE(variants().size(), 4u); }

// A tiny llama whose context is long enough for every memory to let go of most of it.
const Model& tiny() {
  static const test::TempDir dir;
  static const Model model = [] {
    const std::string path = dir.file("tiny.gguf");
    test::tiny_llama().write(path);
    return Model::load(path);
  }();
  return model;
}

std::vector<Token> text(int n, int seed = 1) {
  std::vector<Token> ids;
  unsigned state = unsigned(seed);
  for (int i = 0; i < n; ++i) {
    state = state * 1664525 + 1013904223;
    ids.push_back(Token((state >> 16) % 256));
  }
  return ids;
}

using Case = test::MemoryCase;

class Memories : public testing::TestWithParam<Case> {
 protected:
  static SessionOptions options(int context = 1400) {
    SessionOptions o;
    o.context = context;
    o.threads = 1;
    o.key_cache = o.value_cache = CacheType::f32;
    o.attention = GetParam().attention;
    return o;
  }
};

TEST_P(Memories, BatchesAndThreadsChangeNothing) {
  const auto ids = text(1300);
  SessionOptions o = options();
  Session whole(tiny(), o);
  const auto want = all_logits(whole, ids);
  for (const float x : want) ASSERT_TRUE(std::isfinite(x));
  for (const auto& [batch, threads] : {std::pair{1, 1}, {7, 3}, {100, 3}}) {
    o.batch = batch;
    o.threads = threads;
    Session session(tiny(), o);
    ASSERT_EQ(all_logits(session, ids), want) << "batch " << batch << ", threads " << threads;
  }
}

TEST_P(Memories, EveryCacheTypeComesClose) {
  const auto ids = text(700);
  SessionOptions o = options();
  Session exact(tiny(), o);
  const auto want = all_logits(exact, ids);
  // Keys that differ a little may fall to other codes, and bfloat16's differ eight times as much.
  const bool codes = o.attention.memory == "vq" || o.attention.summary_from > 0;
  for (const CacheType type : {CacheType::f16, CacheType::bf16}) {
    o.key_cache = o.value_cache = type;
    Session rounded(tiny(), o);
    EXPECT_LE(test::nmse(all_logits(rounded, ids), want), !codes                   ? 1e-3
                                                          : type == CacheType::f16 ? 5e-2
                                                                                   : 0.2)
        << int(type);
  }
}

std::vector<float> copy(std::span<const float> s) { return {s.begin(), s.end()}; }

// Whatever was fed and taken back, the logits are those of a session that never saw it.
TEST_P(Memories, RewindingAnywhereChangesNothing) {
  const auto ids = text(1300), other = text(60, 2);
  for (const int checkpoints : {0, 3}) {
    SessionOptions o = options(1500);
    o.batch = 64;
    o.attention.checkpoints = checkpoints;
    Session session(tiny(), o);
    for (const int size : {1290, 1299, 1150, 640, 1300, 300, 77, 6, 0, 900}) {
      session.rewind(std::min(size, session.size()));
      const int have = session.size();
      session.feed(std::span(ids).first(std::size_t(1300)).subspan(std::size_t(have)));
      const int cost = session.rewind_cost(size);
      session.rewind(size);
      EXPECT_EQ(session.size(), size);
      EXPECT_LE(cost, size);
      int computed = 0;
      session.on_progress([&](int done, int) { computed = done; });
      const auto got = copy(session.feed(other));
      session.on_progress({});
      EXPECT_EQ(computed, cost + int(other.size())) << "the price named before is the price paid";
      Session fresh(tiny(), o);
      if (size > 0) fresh.feed(std::span(ids).first(std::size_t(size)));
      ASSERT_EQ(got, copy(fresh.feed(other))) << size << " with " << checkpoints << " checkpoints";
      session.rewind(size);
    }
  }
}

TEST_P(Memories, LogitsOfAnyFedPosition) {
  const auto ids = text(1000);
  SessionOptions o = options();
  Session session(tiny(), o);
  const auto rows = all_logits(session, ids);
  const std::size_t vocab = rows.size() / ids.size();
  for (const std::size_t p : {999u, 500u, 3u, 998u, 700u})
    EXPECT_EQ(copy(session.logits(int(p))), copy(std::span(rows).subspan(p * vocab, vocab))) << p;
  const auto more = text(20, 3);
  Session fresh(tiny(), o);
  fresh.feed(ids);
  EXPECT_EQ(copy(session.feed(more)), copy(fresh.feed(more))) << "asking changed nothing";
}

TEST_P(Memories, CancelKeepsWhatWasThere) {
  const auto ids = text(1300);
  SessionOptions o = options();
  o.batch = 100;
  Session session(tiny(), o), fresh(tiny(), o);
  session.feed(std::span(ids).first(450));
  session.on_progress([&](int done, int) {
    if (done >= 400) session.cancel();
  });
  EXPECT_EQ(code_of([&] { session.feed(std::span(ids).subspan(450)); }), Errc::cancelled);
  session.on_progress({});
  session.clear_cancel();
  EXPECT_EQ(session.size(), 450);
  fresh.feed(std::span(ids).first(450));
  const auto more = text(20, 3);
  EXPECT_EQ(copy(session.feed(more)), copy(fresh.feed(more)));
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Tiny, Memories,
                         testing::ValuesIn(test::memory_cases().begin(), test::memory_cases().end()),
                         name_of);

// What lets go of old tokens takes no more memory for a longer text.
TEST(ConstantMemory, DoesNotDependOnTheContext) {
  for (const Case& c : test::memory_cases()) {
    const std::string& memory = c.attention.memory;
    const bool forgets = memory == "window" || memory == "vq" || memory == "performer";
    if (!forgets || c.attention.exact > 0) continue;
    SessionOptions o;
    o.attention = c.attention;
    o.context = 1 << 14;
    Session small(tiny(), o);
    o.context = 1 << 18;
    Session large(tiny(), o);
    EXPECT_EQ(small.bytes(), large.bytes()) << c.name;
  }
}

TEST(LongContextOptions, WhatMeansNothingIsRefused) {
  const auto with = [](auto change) {
    SessionOptions o;
    o.context = 64;
    change(o);
    return code_of([&] { Session s(tiny(), o); });
  };
  EXPECT_EQ(with([](auto& o) { o.attention.memory = "elephant"; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention.window = 5; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention = {.memory = "window", .window = 0}; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention = {.memory = "rerope", .sinks = 4}; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention = {.memory = "vq", .sinks = 513}; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention = {.memory = "vq", .codes = 0}; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention = {.memory = "leaky-rerope", .leak = 0.5f}; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention.log_n = 1; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.attention.checkpoints = -1; }), Errc::range);
}

TEST(LongContextOptions, ScalingThatContradictsItselfIsRefused) {
  const auto with = [](const RopeOptions& rope) {
    SessionOptions o;
    o.context = 64;
    o.rope = rope;
    try {
      Session s(tiny(), o);
    } catch (const Error& error) { return std::string(error.what()); }
    return std::string();
  };
  using testing::HasSubstr;
  EXPECT_THAT(with({.scaling = RopeScaling::none, .factor = 3}),
              HasSubstr("rope.factor means nothing with rope.scaling none"));
  EXPECT_THAT(with({.scaling = RopeScaling::none, .auto_factor = true}),
              HasSubstr("rope.factor means nothing with rope.scaling none"));
  EXPECT_EQ(with({.scaling = RopeScaling::none, .factor = 1}), "");
  for (const auto& [member, name] : {std::pair(&RopeOptions::yarn_beta_fast, "rope.yarn_beta_fast"),
                                     std::pair(&RopeOptions::yarn_beta_slow, "rope.yarn_beta_slow"),
                                     std::pair(&RopeOptions::yarn_ext_factor, "rope.yarn_ext_factor")}) {
    RopeOptions rope;
    rope.*member = 0.5f;
    EXPECT_THAT(with(rope), testing::AllOf(HasSubstr(name), HasSubstr("not in force")))
        << "the file has none";
    rope.factor = 2;
    EXPECT_THAT(with(rope), testing::AllOf(HasSubstr(name), HasSubstr("not in force")));
    rope.scaling = RopeScaling::yarn;
    EXPECT_EQ(with(rope), "");
  }
}

}  // namespace
}  // namespace longhand
