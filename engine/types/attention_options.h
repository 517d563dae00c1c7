// What a session remembers of its text.
#pragma once

#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "engine/types/limits.h"
#include "engine/types/option.h"

namespace longhand {

/// What a session remembers of its text, and how sharply it looks at it. Negative numbers: what the file
/// says, else the default in brackets (T: the trained context).
struct AttentionOptions {
  /// One of kMemoryNames; empty: what the file says, else full. auto: what the file says, else full as far as
  /// the model was trained, and rerope where a text grows longer; full for models that have a way of their
  /// own with long texts, or were given one (recurrent layers, windows, rescaled positions).
  std::string memory = {};
  /// Length of the text from which auto remembers old tokens in summary, as vq with half the window does [0:
  /// never, or as SessionOptions::memory_budget asks for]; then it takes vq's options too.
  int summary_from = -1;
  int window =
      -1;  ///< tokens at their true distance [T/2 window; T/4 rerope, leaky-rerope, auto; T/8 vq, performer]
  int sinks = -1;  ///< first tokens that stay for ever [4]: window, vq, performer
  int far = -1;    ///< distance of everything remembered in summary [2 x window]: vq, performer
  /// Beyond the window distances grow this much slower [8, or as much more as SessionOptions::context needs
  /// to stay within T]: leaky-rerope
  float leak = -1;
  int codes = -1;  ///< of a codebook learned while running [256]: vq
  /// For codes learned while running (vq). Distances count dimensions by how much queries ask for them.
  bool weighted = false;
  /// Codes remember how far their keys scatter, which corrects a query's score of a code.
  bool second_order = false;
  /// Old tokens every query reads exactly, those of the codes it likes best; all keys and values then stay in
  /// memory [0].
  int exact = -1;
  int features = -1;  ///< drawn at random, where the file has none [256]: performer
  /// Earlier states kept, so that a rewind past what the memory still holds need not read the text again from
  /// the start.
  int checkpoints = 8;
  /// Attention grows sharper with the text: queries at position i times max(1, ln(i + 1) / ln(log_n)).
  /// 0: log_n is the trained context; negative: off. Refused for files trained with a rule of their own.
  int log_n = -1;
  /// Models with an indexer choose the keys each query sees. False: all are seen.
  bool indexer = true;
};

inline constexpr std::array<std::string_view, 7> kMemoryNames = {"full", "window", "rerope",   "leaky-rerope",
                                                                 "auto", "vq",     "performer"};

// clang-format off
inline constexpr std::tuple kAttentionOptions = {
    Option{"attention.memory", &AttentionOptions::memory, {},
           "What is remembered: full, window, rerope, leaky-rerope, auto, vq or performer"},
    Option{"attention.summary_from", &AttentionOptions::summary_from, {0, kMaxContext, false, true},
           "Tokens from which old ones are remembered in summary, as vq does (auto)"},
    Option{"attention.window", &AttentionOptions::window, {1, kMaxContext, false, true},
           "Tokens that are seen at their true distance"},
    Option{"attention.sinks", &AttentionOptions::sinks, {0, 512, false, true},
           "First tokens that are never forgotten (window, vq, performer)"},
    Option{"attention.far", &AttentionOptions::far, {1, kMaxContext, false, true},
           "Distance at which all older text stands (vq, performer)"},
    Option{"attention.leak", &AttentionOptions::leak, {1, 1e9, false, true},
           "Beyond the window distances grow so many times slower (leaky-rerope)"},
    Option{"attention.codes", &AttentionOptions::codes, {1, 1 << 16, false, true}, "Codes to learn for each head (vq)"},
    Option{"attention.weighted", &AttentionOptions::weighted, {},
           "Dimensions count by how much queries ask for them (vq)"},
    Option{"attention.second_order", &AttentionOptions::second_order, {}, "Codes remember how their keys scatter (vq)"},
    Option{"attention.exact", &AttentionOptions::exact, {0, 512, false, true},
           "Old tokens each query reads exactly; nothing is forgotten then (vq)"},
    Option{"attention.features", &AttentionOptions::features, {1, 1 << 16, false, true},
           "Random features for each head (performer)"},
    Option{"attention.checkpoints", &AttentionOptions::checkpoints, {0, 64},
           "Earlier states kept for going back", false},
    Option{"attention.log_n", &AttentionOptions::log_n, {0, std::numeric_limits<int>::max(), false, true},
           "Attention grows sharper with the text, from N tokens on; 0: from the trained context"},
    Option{"attention.indexer", &AttentionOptions::indexer, {},
           "Models made so choose the keys each query sees; off: all are seen"},
};
// clang-format on

}  // namespace longhand
