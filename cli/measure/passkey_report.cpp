#include "cli/measure/passkey_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/terminal/output_filter.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string cell_text(double share, bool colour) {
  constexpr std::string_view kSigns = ".:-=+*#%@";
  // From red over yellow to green in the colour cube of 256-colour terminals: 16 + 36 r + 6 g + b.
  constexpr int kColours[] = {160, 166, 172, 178, 142, 106, 70, 34};
  const auto step = [share](std::size_t count) {
    return std::size_t(std::lround(std::clamp(share, 0.0, 1.0) * double(count - 1)));
  };
  if (!colour) return fmt::format(" {:>4.0f} {}", share * 100, kSigns[step(kSigns.size())]);
  return fmt::format("\x1b[48;5;{}m\x1b[38;5;16m {:>4.0f}  \x1b[0m", kColours[step(std::size(kColours))],
                     share * 100);
}

}  // namespace

double PasskeyCell::found() const {
  if (trials.empty()) return 0;
  const auto hits =
      std::count_if(trials.begin(), trials.end(), [](const PasskeyTrial& t) { return t.found; });
  return double(hits) / double(trials.size());
}

std::string passkey_text(const PasskeyReport& r, bool colour) {
  std::string out = "found, in %; down: depth of the word, across: tokens\n\n depth";
  for (const int length : r.lengths) out += fmt::format(" {:>6}", length);
  for (std::size_t depth = 0; depth < r.depths.size(); ++depth) {
    out += fmt::format("\n{:>4.0f} %", r.depths[depth] * 100);
    for (std::size_t length = 0; length < r.lengths.size(); ++length)
      out += cell_text(r.at(length, depth).found(), colour);
  }
  out += "\n   all";
  for (std::size_t length = 0; length < r.lengths.size(); ++length) {
    double sum = 0;
    for (std::size_t depth = 0; depth < r.depths.size(); ++depth) sum += r.at(length, depth).found();
    out += cell_text(sum / double(r.depths.size()), colour);
  }
  return out + "\n";
}

std::string passkey_json(const PasskeyReport& r) {
  Json cells = Json::array();
  for (const PasskeyCell& cell : r.cells) {
    Json trials = Json::array();
    for (const PasskeyTrial& trial : cell.trials) {
      trials.push_back({{"tokens", trial.tokens},
                        {"word", trial.word},
                        {"found", trial.found},
                        {"answer", make_visible(trial.answer)}});
    }
    cells.push_back(
        {{"length", cell.length}, {"depth", cell.depth}, {"found", cell.found()}, {"trials", trials}});
  }
  const Json json = {
      {"build", LONGHAND_VERSION}, {"model_filename", make_visible(r.model_file)}, {"cells", cells}};
  return json.dump(2) + "\n";
}

}  // namespace longhand::cli
