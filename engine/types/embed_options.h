// How vectors of texts are made.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/types/option.h"
#include "engine/types/session_options.h"

namespace longhand {

/// What becomes of the hidden states of a text.
enum class Pooling : std::uint8_t {
  from_file,  ///< what the file says; else last where tokens see only those before them, and mean elsewhere
  none,       ///< each stays: a vector for every token
  mean,       ///< their mean
  cls,        ///< the first one
  last,       ///< the last one
  rank,       ///< scores by the file's classifier
};
inline constexpr std::array<std::string_view, 6> kPoolingNames = {"from-file", "none", "mean",
                                                                  "cls",       "last", "rank"};
constexpr const auto& names_of(Pooling) noexcept { return kPoolingNames; }

struct EmbedOptions {
  Pooling pooling = Pooling::from_file;
  bool normalize = true;  ///< vectors are scaled to length 1; scores stay as they are
  /// How texts are computed; a text may have `context` tokens, and `batch` tokens of all texts are computed
  /// together (a model that sees whole texts takes a longer one by itself).
  SessionOptions session = {.key_cache = CacheType::f32, .value_cache = CacheType::f32};
};

// clang-format off
inline constexpr std::tuple kEmbedOptions = {
    Option{"embed.pooling", &EmbedOptions::pooling, {0, int(Pooling::rank)},
           "What becomes of the states of a text: none, mean, cls, last or rank", false},
    Option{"embed.normalize", &EmbedOptions::normalize, {}, "Scale vectors to length 1", false},
};
// clang-format on

}  // namespace longhand
