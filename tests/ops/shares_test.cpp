// Work shared between fast and slow workers, in a time that is counted and not measured.
#include "ops/shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace longhand {
namespace {

struct Outcome {
  double end = 0;        // when the last piece was done, a piece taking a fast worker 1
  double last_slow = 0;  // when the last slow worker ended its last piece
  std::vector<int> done;
};

// Whoever is free first takes the next piece, at the pace that is really its own.
Outcome work(int pieces, const std::vector<double>& said, const std::vector<double>& real) {
  Shares shares(int(real.size()), said);
  shares.reset();
  Outcome o{0, 0, std::vector<int>(std::size_t(pieces))};
  std::vector<std::uint32_t> stage;
  for (int w = 0; w < int(real.size()); ++w) stage.push_back(shares.next_stage(w));
  std::vector<double> free_at(real.size()), never(real.size());
  for (;;) {
    const auto w = std::size_t(std::min_element(free_at.begin(), free_at.end()) - free_at.begin());
    if (free_at[w] >= 1e9) return o;
    const std::int64_t piece = shares.take(int(w), stage[w], pieces);
    if (piece < 0) {
      free_at[w] = 1e9;
      continue;
    }
    ++o.done[std::size_t(piece)];
    free_at[w] += 1 / real[w];
    o.end = std::max(o.end, free_at[w]);
    if (real[w] < 1) o.last_slow = std::max(o.last_slow, free_at[w]);
  }
}

TEST(Shares, EveryPieceIsDoneOnceWhateverTheSpeeds) {
  for (const auto& speeds : {std::vector<double>{1, 1, 1}, {1, 0.5, 0.1, 1}, {0.3, 1}, {0.001, 1, 1}}) {
    for (const int pieces : {0, 1, 2, 5, 24, 64, 1000}) {
      const Outcome o = work(pieces, speeds, speeds);
      EXPECT_TRUE(std::ranges::all_of(o.done, [](int n) { return n == 1; })) << pieces;
    }
  }
}

// Machines of four fast cores and some slow ones.
TEST(Shares, TheLastPiecesAreDoneByFastCores) {
  for (const double slow : {0.15, 0.3, 0.45}) {
    for (const int slow_ones : {1, 2, 4}) {
      std::vector<double> speeds(4, 1.0);
      speeds.resize(std::size_t(4 + slow_ones), slow);
      double known_late = 0, alike_late = 0;
      for (int pieces = 20; pieces < 200; ++pieces) {
        const double ideal = pieces / std::accumulate(speeds.begin(), speeds.end(), 0.0);
        const Outcome known = work(pieces, speeds, speeds), alike = work(pieces, {}, speeds);
        EXPECT_LE(known.end, ideal + 1.6) << pieces << " pieces";  // of which a slow core takes 2.2 to 6.7
        EXPECT_LE(known.last_slow, ideal + 1.6) << pieces << " pieces";
        known_late += known.end - ideal;
        alike_late += alike.end - ideal;
      }
      EXPECT_LT(known_late, 0.85 * alike_late) << slow << ", " << slow_ones;
    }
  }
}

// What is said of the cores may be wrong: then those who are done early still help.
TEST(Shares, WrongSpeedsCostLittle) {
  const std::vector<double> said = {1, 1, 0.5, 0.5};
  const Outcome o = work(32, said, {1, 1, 1, 1});
  EXPECT_LE(o.end, 32 / 4.0 + 2);
}

}  // namespace
}  // namespace longhand
