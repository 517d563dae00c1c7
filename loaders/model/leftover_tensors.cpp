#include "loaders/model/leftover_tensors.h"

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
// Multi-token prediction beside the layers proper.
constexpr std::string_view kFurtherTokens[] = {"mtp.", "model.mtp.", "nextn."};
constexpr std::string_view kAnywhere[] = {".input_scale", ".attn_rot_embd", ".nextn."};

bool begins_with_any(std::string_view name, auto&& beginnings) noexcept {
  return std::any_of(std::begin(beginnings), std::end(beginnings),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

}  // namespace

bool of_other_part(std::string_view name) noexcept { return begins_with_any(name, kOtherParts); }

bool known_leftover(std::string_view name, int layers, int skipped) noexcept {
  if (of_other_part(name) || begins_with_any(name, kFurtherTokens)) return true;
  for (const std::string_view part : kAnywhere) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  int il = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), il);
  return il >= layers && il < layers + skipped;
}

}  // namespace longhand
