#include "cli/flags/nearest.h"

#include <algorithm>

namespace longhand::cli {
namespace {

// Characters to insert, delete or replace, and neighbours to exchange, in `a` to make it `b`.
std::size_t count_changes(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> changes(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& least = changes[i][j];
      if (i == 0 || j == 0) {
        least = i + j;
        continue;
      }
      const std::size_t replaced = changes[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      least = std::min({replaced, changes[i - 1][j] + 1, changes[i][j - 1] + 1});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) least = std::min(least, changes[i - 2][j - 2] + 1);
    }
  }
  return changes[a.size()][b.size()];
}

}  // namespace

std::string nearest_word(std::string_view typed, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // of words; what is longer is no slip
  std::string nearest;
  std::size_t fewest =
      std::min<std::size_t>(3, typed.size() / 2 + 1);  // more changes make another word of it
  for (const std::string& word : known) {
    if (typed.size() > kLongest) break;
    const std::size_t changes = count_changes(typed, word);
    if (changes < fewest) {
      fewest = changes;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace longhand::cli
