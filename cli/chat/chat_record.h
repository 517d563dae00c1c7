// A saved chat: what was said, and the settings it was said under. Text counts: whatever a file holds is
// encoded as what users and models wrote, and can never become a control token. The tokens an answer was
// sampled as only spare reading it again, where they spell its text (Chat::restore).
//
// The file is two lines of JSON, the seal and the chat:
//   {"longhand_chat":1,"bytes":321,"crc32c":"0f3a55c1"}
//   {"model":"...","system":"...","settings":{"temp":"0.8"},"turns":[{"user":"...","answer":"..."}]}
// A turn in which functions were called has "steps" too: the messages that call them, and the results.
// Text that is no UTF-8 is written as {"bytes":"..."}, in which the character U+00XX stands for the byte XX.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/types/chat.h"

namespace longhand::cli {

struct ChatRecord {
  std::string model;                                          // its name, to notice when another one goes on
  std::string system;                                         // the system prompt
  std::vector<std::pair<std::string, std::string>> settings;  // names and values of /set
  std::vector<ChatTurn> turns;                                // all answered
  std::vector<AnswerTokens> sampled;                          // of each turn, or none
};

/// The file's content.
std::string write_record(const ChatRecord& record);

/// `name` stands in messages. Throws Error and reads nothing of the chat unless every byte is as it was
/// written: magic (not a saved chat), version, truncated, corrupt; type or missing for what only another
/// program writes.
ChatRecord read_record(std::string_view content, const std::string& name);

}  // namespace longhand::cli
