// Results of a passkey test and the forms they are written in.
#pragma once

#include <string>
#include <vector>

namespace longhand::cli {

struct PasskeyTrial {
  int tokens = 0;  // of the prompt
  std::string word, answer;
  bool found = false;
};

/// All trials of one length and one depth.
struct PasskeyCell {
  int length = 0;    // asked for; prompts are the longest that fit
  double depth = 0;  // 0 the beginning, 1 the end
  std::vector<PasskeyTrial> trials;

  double found() const;  // share
};

struct PasskeyReport {
  std::string model_file;
  std::vector<int> lengths;
  std::vector<double> depths;
  std::vector<PasskeyCell> cells;  // lengths outside, depths inside

  const PasskeyCell& at(std::size_t length, std::size_t depth) const {
    return cells[length * depths.size() + depth];
  }
};

/// A table of percentages that is a heat map too: by background colour, else by a sign from '.' to '@'.
std::string passkey_text(const PasskeyReport& report, bool colour);
std::string passkey_json(const PasskeyReport& report);

}  // namespace longhand::cli
