// Checking of sampling options and reading of stage lists.
#include "engine/sampling/sampler_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

struct StageName {
  std::string_view name;
  char letter;
};
// In the order of the enum.
constexpr std::array<StageName, 9> kStages = {{{"penalties", 'e'},
                                               {"dry", 'd'},
                                               {"top_n_sigma", 's'},
                                               {"top_k", 'k'},
                                               {"typical_p", 'y'},
                                               {"top_p", 'p'},
                                               {"min_p", 'm'},
                                               {"xtc", 'x'},
                                               {"temperature", 't'}}};

// Other spellings in use; dashes count as underscores.
constexpr std::array<std::pair<std::string_view, SamplerStage>, 4> kAliases = {{
    {"temp", SamplerStage::temperature},
    {"typ_p", SamplerStage::typical_p},
    {"typical", SamplerStage::typical_p},
    {"nucleus", SamplerStage::top_p},
}};

std::optional<SamplerStage> stage_named(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i].name == name) return SamplerStage(i);
  }
  for (const auto& [alias, stage] : kAliases) {
    if (alias == name) return stage;
  }
  return std::nullopt;
}

std::optional<SamplerStage> stage_of_letter(char letter) {
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i].letter == letter) return SamplerStage(i);
  }
  return std::nullopt;
}

std::string known_stages() {
  std::string text;
  for (const StageName& stage : kStages)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", stage.name, stage.letter);
  return text;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<SamplerStage> parse_sampler_stages(std::string_view text) {
  std::vector<SamplerStage> stages;
  text = trim(text);
  if (text.empty()) return stages;
  if (text.find(';') == std::string_view::npos && !stage_named(std::string(text))) {
    for (const char letter : text) {
      const auto stage = stage_of_letter(letter);
      if (!stage) {
        throw Error(Errc::range, fmt::format("sampler.stages: '{}' in \"{}\" is no stage; known are {}",
                                             letter, text, known_stages()));
      }
      stages.push_back(*stage);
    }
    return stages;
  }
  while (true) {
    const std::size_t end = text.find(';');
    const std::string_view name = trim(text.substr(0, end));
    if (!name.empty()) {
      const auto stage = stage_named(std::string(name));
      if (!stage)
        throw Error(Errc::range,
                    fmt::format("sampler.stages: \"{}\" is no stage; known are {}", name, known_stages()));
      stages.push_back(*stage);
    }
    if (end == std::string_view::npos) return stages;
    text.remove_prefix(end + 1);
  }
}

void check_sampler_options(const SamplerOptions& o, int vocab_size) {
  check_options(kSamplerOptions, o);
  for (const auto& [token, bias] : o.logit_bias) {
    if (token < 0 || token >= vocab_size) {
      throw Error(Errc::range,
                  fmt::format("sampler.logit_bias: token {} must be 0..{}", token, vocab_size - 1));
    }
    if (!(bias < std::numeric_limits<float>::infinity())) {
      throw Error(Errc::range,
                  fmt::format("sampler.logit_bias of token {} is {}, must be a number or -inf", token, bias));
    }
  }
  for (const SamplerStage stage : o.stages) {
    if (std::size_t(stage) >= kStages.size()) {
      throw Error(Errc::range, fmt::format("sampler.stages: {} is no stage", int(stage)));
    }
  }
}

}  // namespace longhand
