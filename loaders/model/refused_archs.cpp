#include "loaders/model/refused_archs.h"

#include <algorithm>

namespace longhand {
namespace {

constexpr std::string_view kDiffusion =
    "it is a diffusion model, which fills in masked tokens of a whole text instead of continuing it";
constexpr std::string_view kDraft =
    "it is a draft that foresees another model's tokens from its inner states, and no model by itself";
constexpr std::string_view kEncoder =
    "it reads a text with an encoder and writes another with a decoder that attends to it; encoders and "
    "cross "
    "attention are missing here";

constexpr RefusedArch kRefused[] = {
    {"dream", kDiffusion},
    {"llada", kDiffusion},
    {"llada-moe", kDiffusion},
    {"rnd1", kDiffusion},
    {"eagle3", kDraft},
    {"dflash", kDraft},
    {"gemma4-assistant", kDraft},
    {"t5", kEncoder},
    {"t5encoder", kEncoder},
    {"wavtokenizer-dec", "it makes sound of audio tokens, and no text"},
    {"clip", "it is the part of another model that reads pictures or sound, and no model by itself"},
    // Newer than what is described anywhere twice.
    {"qwen4exp",
     "its n-gram table, whose rows are read from the disk, and its indexed sparse attention are missing "
     "here"},
    {"deepseek41", "what it changes of DeepSeek V4 is missing here"},
    {"deepseek4.1", "what it changes of DeepSeek V4 is missing here"},
    {"glm-5.3", "what it changes of GLM-5 is missing here"},
    {"glm5.3", "what it changes of GLM-5 is missing here"},
    {"glm53", "what it changes of GLM-5 is missing here"},
};

}  // namespace

const RefusedArch* find_refused_arch(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kRefused, name, &RefusedArch::name);
  return found == std::end(kRefused) ? nullptr : found;
}

}  // namespace longhand
