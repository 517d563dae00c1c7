#include "loaders/model/arch_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace longhand {
namespace {

// Of layers that have something else where others have attention.
constexpr std::array kMixers = {
    std::pair{Mixer::short_conv, "short convolutions"},
    std::pair{Mixer::delta_net, "gated delta nets"},
    std::pair{Mixer::matrix, "layers with a matrix instead of attention"},
    std::pair{Mixer::kimi_delta, "Kimi delta attention"},
    std::pair{Mixer::mamba, "Mamba"},
    std::pair{Mixer::mamba_normed, "Mamba with norms"},
    std::pair{Mixer::mamba_heads, "Mamba with heads"},
    std::pair{Mixer::mamba2, "Mamba-2"},
    std::pair{Mixer::rwkv6, "RWKV-6"},
    std::pair{Mixer::rwkv7, "RWKV-7"},
};

std::string window_words(const WindowSpec& window) {
  if (window.everywhere) return "windows in all layers";
  if (window.period == 0) return "";
  if (window.period == 1) return "windows in the layers that the file names";
  if (window.chunks) return fmt::format("chunks, but for one layer of {}", window.period);
  return fmt::format("windows, but for one layer of {}", window.period);
}

std::string_view norm_words(const ArchSpec& arch) {
  if (arch.place == NormPlace::sandwich) return "norms before and after each block";
  if (arch.place == NormPlace::post) return "norms after each block";
  if (arch.place == NormPlace::stream) return "norms of the stream";
  return "";
}

// Of these there are no logits to compare with, or only such as stray from what the authors describe.
constexpr std::array<std::string_view, 5> kDescribed = {"chameleon", "cogvlm", "deepseek2-ocr", "gptj",
                                                        "phimoe"};

}  // namespace

std::string_view checked_against(const ArchSpec& arch) noexcept {
  const bool described = std::ranges::find(kDescribed, arch.name) != kDescribed.end();
  return described ? "its description, in double precision" : "reference results";
}

std::string words_of(const ArchSpec& arch) {
  std::string words;
  const auto add = [&](bool holds, std::string_view what) {
    if (holds && !what.empty()) words += (words.empty() ? "" : "; ") + std::string(what);
  };
  const auto mixer = std::ranges::find(kMixers, arch.mixer, &std::pair<Mixer, const char*>::first);
  if (mixer != kMixers.end()) add(true, mixer->second);
  add(arch.beside_attention, "both in every layer");
  add(arch.latent, "latent attention");
  add(arch.compressed, "old tokens share compressed keys");
  add(arch.indexed != Indexed::none, "an indexer chooses keys");
  add(!arch.causal, "sees the whole text: makes vectors or scores");
  add(true, window_words(arch.window));
  add(arch.window.rope_only_local, "rotary positions only in windows");
  add(arch.no_rope_every > 0, fmt::format("no rotary positions in each layer of {}", arch.no_rope_every));
  add(arch.rope == Rope::none && !arch.learned_positions && arch.alibi == 0, "no rotary positions");
  add(arch.learned_positions, "learned positions");
  add(arch.alibi > 0, "ALiBi");
  add(arch.norm == Norm::layer, "layer norms");
  add(true, norm_words(arch));
  add(arch.qk_norm != QkNorm::none, "norms of queries and keys");
  add(arch.residual == Residual::parallel, "attention and network side by side");
  add(!arch.gated, "networks without a gate");
  add(arch.hyper, "streams with hyper-connections");
  add(arch.streams > 1, fmt::format("{} streams of a token", arch.streams));
  return words;
}

}  // namespace longhand
