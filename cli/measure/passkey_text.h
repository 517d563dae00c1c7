// The conversations of a passkey test: a word is told, much else is said, and the word is asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/chat.h"

namespace longhand::cli {

/// Where in the filler the word is told, and which of the many conversations it is.
struct PasskeyPlace {
  int units = 0;     // of filler: exchanges, or lines of a text
  double depth = 0;  // share of the units before the word
  std::uint64_t seed = 0;
};

struct PasskeyCase {
  std::vector<ChatMessage> messages;  // ends in the question
  std::string word;
};

/// The word is told in a turn of its own, among exchanges of small talk.
PasskeyCase passkey_dialogue(const PasskeyPlace& place);

/// The word is told within one long message made of `lines`, in order from a place of the seed's choice and
/// again from the first; not empty.
PasskeyCase passkey_document(const std::vector<std::string>& lines, const PasskeyPlace& place);

/// Lines of `text` that hold anything, without the space around them.
std::vector<std::string> filler_lines(std::string_view text);

/// Does `answer` contain `word`, in small or large letters?
bool names_word(std::string_view answer, std::string_view word);

}  // namespace longhand::cli
