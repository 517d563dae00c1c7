#include "engine/make/convert/tensor_name.h"

#include <algorithm>
#include <charconv>

namespace longhand {
namespace {

constexpr std::string_view kLayers = "layers.", kExperts = ".experts.";

// Prefixes and parts of names. `merger`, `resampler` and the like join pictures to the text model.
constexpr std::string_view kOtherStarts[] = {"mtp.",       "model.mtp.",     "vit.",
                                             "vpm.",       "siglip2.",       "merger.",
                                             "resampler.", "sound_encoder.", "sound_projection."};
constexpr std::string_view kOtherParts[] = {"visual.",     "vision.",      "vision_",    "audio.",
                                            "audio_",      "talker.",      "projector.", "image_newline",
                                            "patch_embed", "patch_merger."};

void remove_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part))
    text.erase(at, part.size());
}

// The number that stands at `from` and a dot ends; -1 where there is none, or one with zeros before it. Takes
// both off.
int take_number(std::string& text, std::size_t from) {
  int number = -1;
  const char* begin = text.data() + from;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != '.' || *begin == '-') return -1;
  if (*begin == '0' && end - begin > 1) return -1;
  text.erase(from, std::size_t(end - begin) + 1);
  return number;
}

}  // namespace

TensorName take_apart(std::string_view name) {
  TensorName parts;
  parts.tail = std::string(name);
  remove_all(parts.tail, "language_model.");
  remove_all(parts.tail, "text_model.");
  if (parts.tail.starts_with("model.")) parts.tail.erase(0, 6);
  if (parts.tail.starts_with(kLayers)) {
    parts.layer = take_number(parts.tail, kLayers.size());
    if (parts.layer >= 0) parts.tail.erase(0, kLayers.size());
  }
  if (const std::size_t at = parts.tail.find(kExperts); at != std::string::npos) {
    const std::size_t number = at + kExperts.size();
    parts.expert = take_number(parts.tail, number);
    if (parts.expert >= 0) parts.tail.insert(number, "*.");
  }
  for (const std::string_view ending : {std::string_view(".weight"), std::string_view(".bias")}) {
    if (!parts.tail.ends_with(ending)) continue;
    parts.ending = ending;
    parts.tail.resize(parts.tail.size() - ending.size());
    break;
  }
  return parts;
}

bool of_activations(std::string_view name) noexcept {
  constexpr std::string_view kEndings[] = {".input_scale", ".activation_scale", "_activation_scale",
                                           ".k_scale", ".v_scale"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool of_part_left_out(std::string_view name) noexcept {
  return std::ranges::any_of(kOtherStarts, [&](std::string_view start) { return name.starts_with(start); }) ||
         std::ranges::any_of(
             kOtherParts, [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

}  // namespace longhand
