// Saved chats. The first byte: 's' seals the rest, which thus reaches the reader behind the checksum; 'w'
// makes a chat of the rest, to be written and read; anything else is read as it is.
#include "cli/chat/chat_record.h"

#include <fmt/format.h>

#include "engine/state/checksum.h"
#include "tests/fuzz/fuzz.h"

namespace longhand::cli {

static bool operator==(const ChatRecord& a, const ChatRecord& b) {
  return a.model == b.model && a.system == b.system && a.settings == b.settings &&
         std::ranges::equal(a.turns, b.turns,
                            [](const ChatTurn& x, const ChatTurn& y) {
                              return x.user == y.user && x.answer == y.answer && x.reasoning == y.reasoning &&
                                     x.cut == y.cut && x.answered && y.answered;
                            }) &&
         std::ranges::equal(a.sampled, b.sampled, [](const AnswerTokens& x, const AnswerTokens& y) {
           return x.tokens == y.tokens && (x.tokens.empty() || x.prompt_end == y.prompt_end);
         });
}

}  // namespace longhand::cli

namespace longhand::fuzz {
namespace {

using cli::ChatRecord;

std::string sealed(std::string_view body) {
  return fmt::format("{{\"longhand_chat\":1,\"bytes\":{},\"crc32c\":\"{:08x}\"}}\n{}", body.size(),
                     crc32c(body), body);
}

void check_reading(std::string_view content) {
  ChatRecord record;
  if (!accepts([&] { record = cli::read_record(content, "chat.json"); })) return;
  const std::string written = cli::write_record(record);
  check(cli::read_record(written, "chat.json") == record, "a chat is read as it was written");
}

ChatRecord chat_of(std::string_view bytes) {
  Input in(bytes);
  ChatRecord record;
  record.model = in.until('\0');
  record.system = in.until('\0');
  record.settings.emplace_back("temp", in.until('\0'));
  while (!in.empty()) {
    ChatTurn turn;
    turn.answered = true;
    turn.cut = in.number() % 2 == 1;
    turn.user = in.until('\0');
    turn.answer = in.until('\0');
    turn.reasoning = in.until('\0');
    record.turns.push_back(std::move(turn));
    AnswerTokens& sampled = record.sampled.emplace_back();
    for (const char c : record.turns.back().reasoning) sampled.tokens.push_back(std::uint8_t(c));
    sampled.prompt_end = record.turns.back().user;
  }
  return record;
}

}  // namespace

void run(std::string_view input) {
  const char how = input.empty() ? '\0' : input.front();
  if (how == 's') return check_reading(sealed(input.substr(1)));
  if (how != 'w') return check_reading(input);
  const ChatRecord record = chat_of(input.substr(1));
  const std::string written = cli::write_record(record);
  check(cli::read_record(written, "chat.json") == record, "any chat is read as it was written");
}

}  // namespace longhand::fuzz
