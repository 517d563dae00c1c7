#include "loaders/model/tensors/leftover_tensors.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace longhand {
namespace {

// Names begin with these in files of llama.cpp ("v.", "a.", "mm.", ...), of ollama, and of converters that
// keep the names of Hugging Face.
constexpr std::string_view kOtherParts[] = {"v.",
                                            "a.",
                                            "mm.",
                                            "resampler.",
                                            "adapter.",
                                            "model.image_newline",
                                            "image_newline",
                                            "vision.",
                                            "vision_",
                                            "model.vision_",
                                            "visual.",
                                            "model.visual.",
                                            "audio_",
                                            "model.audio_",
                                            "audio.",
                                            "embed_vision.",
                                            "model.embed_vision.",
                                            "embed_audio.",
                                            "model.embed_audio.",
                                            "multi_modal_projector.",
                                            "model.multi_modal_projector.",
                                            "mm_projector.",
                                            "multimodal_projector."};
// Weights within layers that are for the tokens of pictures: "blk.3.vis_attn_qkv.weight".
constexpr std::string_view kOfPictures = ".vis_";
// Multi-token prediction beside the layers proper.
constexpr std::string_view kFurtherTokens[] = {"mtp.",    "mtp_",       "model.mtp.", "model.mtp_",
                                               "nextn.",  "eagle.",     "eagle3.",    "model.eagle.",
                                               "medusa.", "speculator."};
constexpr std::string_view kNextLayer = ".nextn.";
constexpr std::string_view kAnywhere[] = {".input_scale", ".attn_rot_embd"};

bool begins_with_any(std::string_view name, auto&& beginnings) noexcept {
  return std::any_of(std::begin(beginnings), std::end(beginnings),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

// Of "blk.3.attn_q.weight" 3; -1 of what is in no layer.
int layer_of(std::string_view name) noexcept {
  int il = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), il);
  return il;
}

}  // namespace

bool of_other_part(std::string_view name) noexcept {
  return begins_with_any(name, kOtherParts) || name.find(kOfPictures) != std::string_view::npos;
}

bool of_further_tokens(std::string_view name, int layers, int skipped) noexcept {
  if (begins_with_any(name, kFurtherTokens) || name.find(kNextLayer) != std::string_view::npos) return true;
  const int il = layer_of(name);
  return il >= layers && il < layers + skipped;
}

bool known_leftover(std::string_view name, int layers, int skipped) noexcept {
  if (of_other_part(name) || of_further_tokens(name, layers, skipped)) return true;
  for (const std::string_view part : kAnywhere) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

NextLayers find_next_layers(std::span<const TensorInfo> tensors) noexcept {
  NextLayers found;
  for (const TensorInfo& t : tensors) {
    const int il = layer_of(t.name);
    if (il < 0 || t.name.find(kNextLayer) == std::string_view::npos) continue;
    found.first = found.end == 0 ? il : std::min(found.first, il);
    found.end = std::max(found.end, il + 1);
  }
  return found;
}

}  // namespace longhand
