// What rotary positions are for: R_m^T R_n = R_(n - m), so that a score depends on where a key stands from a
// query and on nothing else, in one dimension and in several.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "engine/forward/position.h"
#include "ops/kernel_table.h"

namespace longhand {
namespace {

constexpr int kDim = 48;

std::vector<float> vector(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(kDim);
  for (float& v : x) v = normal(random);
  return x;
}

class Rotated {
 public:
  Rotated(const ModelConfig& config, const Kernels& kernels, bool halves)
      : plan_(config, Weights{}, SessionOptions{}, FarPositions{}, 4096),
        kernels_(kernels),
        halves_(halves) {}

  template <class Position>
  std::vector<float> at(const Position& position, std::vector<float> x,
                        Rotation which = Rotation::global) const {
    const int rot = plan_.rot(which);
    std::vector<float> cos(std::size_t(rot / 2)), sin(cos.size());
    plan_.angles(which, position, cos.data(), sin.data());
    kernels_.rotate({x.data(), cos.data(), sin.data(), rot, halves_});
    return x;
  }
  // Turned back from wherever it is, as a cache that moves is.
  std::vector<float> back(int distance, std::vector<float> x, Rotation which = Rotation::global) const {
    const int rot = plan_.rot(which);
    std::vector<float> cos(std::size_t(rot / 2)), sin(cos.size());
    plan_.angles_back(which, distance, cos.data(), sin.data());
    kernels_.rotate({x.data(), cos.data(), sin.data(), rot, halves_});
    return x;
  }
  template <class Position>
  double score(const Position& query, const Position& key) const {
    const auto q = at(query, vector(1)), k = at(key, vector(2));
    double sum = 0;
    for (std::size_t d = 0; d < kDim; ++d) sum += double(q[d]) * double(k[d]);
    return sum;
  }

 private:
  PositionPlan plan_;
  const Kernels& kernels_;
  bool halves_;
};

ModelConfig config_with(int rot) {
  ModelConfig config;
  config.trained_context = config.rope.original_context = 4096;
  config.rope.rot = rot;
  config.rope.base = 10000;
  return config;
}

template <class Check>
void for_each_way(const ModelConfig& config, const Check& check) {
  for (const Kernels* kernels : available_kernels()) {
    for (const bool halves : {false, true}) check(Rotated(config, *kernels, halves));
  }
}

TEST(Rotation, ScoresDependOnTheDistanceAlone) {
  for (const int rot : {2, 32, kDim}) {
    for_each_way(config_with(rot), [](const Rotated& r) {
      for (const int distance : {0, 1, 7, 300}) {
        const double want = r.score(distance, 0);
        for (const int from : {1, 50, 1024, 3000})
          EXPECT_NEAR(r.score(from + distance, from), want, 2e-4) << distance << " from " << from;
      }
    });
  }
}

// Rotations by time, height and width turn pairs of their own, so that they commute.
TEST(Rotation, SoTheyDoInEachOfSeveralDimensions) {
  ModelConfig config = config_with(kDim);
  config.rope.sections = {8, 8, 8, 0};
  for_each_way(config, [](const Rotated& r) {
    const TokenPosition start{}, away{3, 11, 40};
    const double want = r.score(away, start);
    for (const TokenPosition& from :
         {TokenPosition{5, 5, 5}, TokenPosition{0, 700, 2}, TokenPosition{90, 1, 64}})
      EXPECT_NEAR(r.score({from.t + away.t, from.h + away.h, from.w + away.w}, from), want, 2e-4);
    EXPECT_GT(std::abs(r.score({3, 11, 41}, start) - want), 1e-3) << "and each of them counts";
    EXPECT_GT(std::abs(r.score({3, 12, 40}, start) - want), 1e-3);
    EXPECT_GT(std::abs(r.score({4, 11, 40}, start) - want), 1e-3);
  });
}

// Turning a key on is turning it once by the sum, and back again takes off the same: what lets a cache move
// what it holds.
TEST(Rotation, TurningTwiceIsTurningBySum) {
  for (const int rot : {2, 32, kDim}) {
    for_each_way(config_with(rot), [](const Rotated& r) {
      const auto twice = r.at(600, r.at(41, vector(3))), once = r.at(641, vector(3)),
                 back = r.back(600, once), there = r.at(41, vector(3));
      for (std::size_t d = 0; d < kDim; ++d) {
        EXPECT_NEAR(twice[d], once[d], 1e-4);
        EXPECT_NEAR(back[d], there[d], 1e-4);
      }
    });
  }
}

// Layers with a window have frequencies of their own.
TEST(Rotation, TurningBackIsOfTheSameKind) {
  ModelConfig config = config_with(kDim);
  config.rope.local_rot = kDim;
  config.rope.local_base = 100;
  config.layers.resize(1);
  config.layers[0].window = 64;
  config.layers[0].local_rope = true;
  for_each_way(config, [](const Rotated& r) {
    const auto local = r.back(600, r.at(641, vector(3), Rotation::local), Rotation::local),
               there = r.at(41, vector(3), Rotation::local), other = r.at(41, vector(3));
    double difference = 0;
    for (std::size_t d = 0; d < kDim; ++d) {
      EXPECT_NEAR(local[d], there[d], 1e-4);
      difference += std::abs(double(other[d]) - there[d]);
    }
    EXPECT_GT(difference, 0.1);
  });
}

}  // namespace
}  // namespace longhand
