// The types of a cache: their names, and what rounding keys and values to each costs.
#include "engine/state/cache_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/longhand.h"
#include "engine/state/cache_rows.h"
#include "engine/state/kv_cache.h"
#include "ops/kernel_table.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::code_of;

constexpr std::uint64_t kHidden = 128, kFf = 256;  // heads of 32

// Floats throughout, so that nothing but the cache rounds.
const Model& model() {
  static const Model loaded = [] {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(float(kHidden)));
    const test::TempDir dir;
    const std::string path = dir.file("floats.gguf");
    constexpr std::uint32_t kF32 = 0;
    test::tiny_llama({kHidden, kFf, kF32,
                      [&](std::uint64_t cols, std::uint64_t rows) {
                        std::string bytes;
                        for (std::uint64_t i = 0; i < cols * rows; ++i) bytes += test::encode(normal(random));
                        return bytes;
                      }})
        .write(path);
    return Model::load(path);
  }();
  return loaded;
}

std::vector<float> logits_with(CacheType keys, CacheType values) {
  Session session(model(), {.context = 128, .threads = 1, .key_cache = keys, .value_cache = values});
  std::vector<Token> text;
  for (int i = 0; i < 100; ++i) text.push_back(Token(i * 37 % 250));
  std::vector<float> all;
  session.feed(text, [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

TEST(CacheTypes, Bf16RoundsAwayEightTimesAsMuchAsF16) {
  const auto want = logits_with(CacheType::f32, CacheType::f32);
  const auto error = [&](CacheType keys, CacheType values) {
    return std::sqrt(test::nmse(logits_with(keys, values), want));
  };
  for (const bool keys : {false, true}) {
    for (const bool values : {false, true}) {
      if (!keys && !values) continue;
      const auto of = [&](CacheType type) {
        return error(keys ? type : CacheType::f32, values ? type : CacheType::f32);
      };
      const double half = of(CacheType::f16), bfloat = of(CacheType::bf16);
      EXPECT_GT(half, 0);
      EXPECT_LT(half, 1e-3) << keys << values;
      EXPECT_NEAR(bfloat / half, 8, 2) << keys << values;
    }
  }
}

// Each bit halves the error, a minimum of its own or denser levels are worth a part of one.
TEST(CacheTypes, PackedTypesCostWhatTheirBitsSay) {
  const auto want = logits_with(CacheType::f32, CacheType::f32);
  const auto error = [&](CacheType type) { return std::sqrt(test::nmse(logits_with(type, type), want)); };
  const double q8 = error(CacheType::q8_0);
  for (const CacheType type : {CacheType::q5_0, CacheType::q5_1}) {
    EXPECT_GT(error(type), 2 * q8);
    EXPECT_LT(error(type), 12 * q8);
  }
  for (const CacheType type : {CacheType::q4_0, CacheType::q4_1, CacheType::iq4_nl}) {
    EXPECT_GT(error(type), 5 * q8);
    EXPECT_LT(error(type), 24 * q8);
  }
}

TEST(CacheTypes, NumbersThatAreNoneAreRefused) {
  for (const auto number : {std::size(kCacheTypes), std::size_t{77}, std::size_t{255}}) {
    const auto type = CacheType(number);
    EXPECT_EQ(code_of([&] { Session(model(), {.key_cache = type}); }), Errc::range) << number;
    EXPECT_EQ(code_of([&] { Session(model(), {.value_cache = type}); }), Errc::range) << number;
  }
}

// What memories read back to sum up is what attention sees.
TEST(CacheTypes, WhatIsStoredIsReadBack) {
  constexpr int kDim = 32, kTokens = 40;
  const Kernels& kernels = *available_kernels().front();
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const CacheTypeInfo& type : kCacheTypes) {
    const KvShape shape(type.format, type.format, kDim, kDim);
    TokenStore keys(1, kAttendKeys, 1, shape.key_block_bytes()),
        values(1, kAttendKeys, 1, kKeyBlock * shape.value_row_bytes());
    keys.reserve();
    values.reserve();
    const KvView view = view_of(shape, keys, values, 0, 0);
    // Of what was written: 2^-12, 1/254 of the largest, 2^-9.
    const double relative = type.type == CacheType::f32    ? 0
                            : type.type == CacheType::f16  ? 0x1p-11
                            : type.type == CacheType::bf16 ? 0x1p-8
                                                           : 0;
    const double absolute = type.type == CacheType::q8_0 ? 4.0 / 254 : is_packed(type.format) ? 1 : 1e-7;
    double error = 0;
    for (int t = 0; t < kTokens; ++t) {
      std::vector<float> x(kDim), key(kDim), value(kDim);
      for (float& v : x) v = normal(random);
      kernels.store_key[int(shape.keys)](view, t, x.data());
      kernels.store_value[int(shape.values)](view, t, x.data());
      read_key(shape, view, t, key.data());
      read_value(shape, view, t, value.data());
      EXPECT_EQ(key, value) << type.name;
      for (std::size_t d = 0; d < kDim; ++d)
        ASSERT_NEAR(key[d], x[d], std::abs(x[d]) * relative + absolute) << type.name << " token " << t;
      for (std::size_t d = 0; d < kDim; ++d) error += double(key[d] - x[d]) * double(key[d] - x[d]);
      // A key that was written as a row becomes the same key.
      if (t + 1 < kTokens) place_key(shape, view.values + t * view.value_row_bytes, view, t + 1);
      if (t + 1 < kTokens) read_key(shape, view, t + 1, key.data());
      EXPECT_EQ(key, value) << type.name;
    }
    EXPECT_LT(std::sqrt(error / kTokens / kDim), 0.12) << type.name;
  }
}

TEST(CacheTypes, ValuesThatArePartOfKeysAreReadFromThem) {
  constexpr int kDim = 288, kFrom = 16, kValues = 260;
  const Kernels& kernels = *available_kernels().front();
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const CacheTypeInfo& type : kCacheTypes) {
    const KvShape shape(type.type, CacheType::f32, kDim, kValues, kFrom);
    EXPECT_EQ(shape.values, type.format) << "not a type of its own";
    TokenStore keys(1, kAttendKeys, 1, shape.key_block_bytes()),
        values(1, kAttendKeys, 1, kKeyBlock * shape.value_row_bytes());
    keys.reserve();
    values.reserve();
    EXPECT_EQ(values.bytes(), 0u);
    const KvView view = view_of(shape, keys, values, 0, 0);
    for (const int t : {0, 1, 15, 16, 33}) {
      std::vector<float> x(kDim), key(kDim), value(kValues);
      for (float& v : x) v = normal(random);
      kernels.store_key[int(shape.keys)](view, t, x.data());
      read_key(shape, view, t, key.data());
      read_value(shape, view, t, value.data());
      EXPECT_TRUE(std::equal(value.begin(), value.end(), key.begin() + kFrom)) << type.name << " token " << t;
    }
  }
}

// kv_lora_rank + rope.dimension_count numbers in each of two layers, in the type of keys.
TEST(CacheTypes, LatentAttentionRemembersAVectorOnce) {
  const test::TempDir dir;
  const std::string path = dir.file("latent");
  test::random_model({.arch = "deepseek2",
                      .numbers = {{"attention.kv_lora_rank", 64},
                                  {"attention.key_length_mla", 40},
                                  {"attention.value_length_mla", 8},
                                  {"attention.key_length", 96},
                                  {"attention.value_length", 64},
                                  {"rope.dimension_count", 32},
                                  {"leading_dense_block_count", 2}}})
      .write(path);
  const Model latent = Model::load(path);
  for (const auto& [type, bits] : {std::pair(CacheType::f32, 32u), std::pair(CacheType::f16, 16u)}) {
    Session session(latent, {.context = 64, .threads = 1, .key_cache = type, .value_cache = CacheType::q8_0});
    const std::vector<Token> tokens(kKeyBlock, 5);
    session.feed(tokens);
    const std::uint64_t before = session.state_bytes();
    session.feed(tokens);
    EXPECT_EQ(session.state_bytes() - before, kKeyBlock * (sizeof(Token) + 2 * 96 * bits / 8));
  }
}

}  // namespace
}  // namespace longhand
