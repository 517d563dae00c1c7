#include "cli/chat/chat_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/state/checksum.h"
#include "engine/text/unicode.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::pair<const char*, std::string ChatMessage::*> kStepMembers[] = {
    {"content", &ChatMessage::content},
    {"reasoning", &ChatMessage::reasoning},
    {"tool_calls", &ChatMessage::tool_calls},
    {"tool_call_id", &ChatMessage::tool_call_id},
    {"name", &ChatMessage::name}};
constexpr std::string_view kSealBegins = "{\"longhand_chat\":";

std::string seal(std::string_view body) {
  return fmt::format("{}{},\"bytes\":{},\"crc32c\":\"{:08x}\"}}\n", kSealBegins, kVersion, body.size(),
                     crc32c(body));
}

Json text_json(const std::string& text) {
  if (replace_invalid(text) == text) return text;
  std::string written;
  for (const char c : text) append_utf8(written, std::uint8_t(c));
  return {{"bytes", written}};
}

// What of a message is there; a role is.
Json step_json(const ChatMessage& step) {
  Json entry = {{"role", text_json(step.role)}};
  for (const auto& [key, member] : kStepMembers) {
    if (!(step.*member).empty()) entry[key] = text_json(step.*member);
  }
  return entry;
}

// Reads members of one JSON object, and knows what to call it in messages.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) fail(Errc::type, "", "must be an object");
  }

  const Json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail(Errc::missing, key, "required, absent");
    return *found;
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_object() || value.size() != 1 || !value.contains("bytes") || !value["bytes"].is_string())
      fail(Errc::type, key, "must be text");
    return bytes(key, value["bytes"].get_ref<const std::string&>());
  }

  std::vector<Token> tokens(const char* key) const {
    const Json& value = at(key);
    const auto is_token = [](const Json& one) {
      return one.is_number_unsigned() &&
             one.get<std::uint64_t>() <= std::uint64_t(std::numeric_limits<Token>::max());
    };
    if (!value.is_array() || !std::ranges::all_of(value, is_token)) fail(Errc::type, key, "must be tokens");
    return value.get<std::vector<Token>>();
  }

  const std::string& where() const noexcept { return where_; }
  bool has(const char* key) const { return object_.contains(key); }

  [[noreturn]] void fail(Errc code, const char* key, std::string_view rule) const {
    throw Error(code, fmt::format("{}{}{}: {}", where_, *key == '\0' ? "" : ": ", key, rule));
  }

 private:
  std::string bytes(const char* key, std::string_view written) const {
    std::string out;
    for (std::size_t at = 0; at < written.size();) {
      const Decoded c = decode_utf8(written, at);
      if (c.code > 0xFF) fail(Errc::range, key, "stands for bytes, must have characters up to U+00FF");
      out += char(c.code);
      at += c.length;
    }
    return out;
  }

  const Json& object_;
  std::string where_;
};

std::vector<ChatMessage> read_steps(const Json& steps, const Members& turn) {
  if (!steps.is_array()) turn.fail(Errc::type, "steps", "must be an array");
  std::vector<ChatMessage> out;
  for (const Json& entry : steps) {
    const Members step(entry, turn.where() + ": steps");
    ChatMessage& message = out.emplace_back(ChatMessage{step.text("role"), ""});
    if (message.role != "assistant" && message.role != "tool")
      step.fail(Errc::range, "role", "must be assistant or tool");
    for (const auto& [key, member] : kStepMembers) {
      if (step.has(key)) message.*member = step.text(key);
    }
    // The template gets calls as JSON.
    if (!message.tool_calls.empty() && !Json::parse(message.tool_calls, nullptr, false).is_array())
      step.fail(Errc::type, "tool_calls", "must be text of a JSON array");
  }
  return out;
}

// The chat behind a seal that holds.
std::string_view sealed_body(std::string_view content, const std::string& name) {
  const auto line_end = content.find('\n');
  if (!content.starts_with(kSealBegins) || line_end == std::string_view::npos)
    throw Error(Errc::magic, fmt::format("{}: not a saved chat", name));
  const std::string_view number = content.substr(kSealBegins.size(), line_end - kSealBegins.size());
  int version = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), version).ec == std::errc() &&
      version != kVersion) {
    throw Error(Errc::version, fmt::format("{}: saved chats of version {} are not read, must be {}", name,
                                           version, kVersion));
  }
  const std::string_view body = content.substr(line_end + 1);
  if (content.substr(0, line_end + 1) != seal(body)) {
    throw Error(Errc::corrupt,
                fmt::format("{}: damaged or edited: size or checksum is not what it was when saved", name));
  }
  return body;
}

}  // namespace

std::string write_record(const ChatRecord& record) {
  Json turns = Json::array(), settings = Json::object();
  for (const ChatTurn& turn : record.turns) {
    Json entry = {{"user", text_json(turn.user)}};
    if (!turn.reasoning.empty()) entry["reasoning"] = text_json(turn.reasoning);
    entry["answer"] = text_json(turn.answer);
    if (turn.cut) entry["cut"] = true;
    for (const ChatMessage& step : turn.steps) entry["steps"].push_back(step_json(step));
    if (const std::size_t number = turns.size(); number < record.sampled.size()) {
      const AnswerTokens& sampled = record.sampled[number];
      if (!sampled.tokens.empty()) entry["tokens"] = sampled.tokens;
      if (!sampled.tokens.empty()) entry["prompt_end"] = text_json(sampled.prompt_end);
    }
    turns.push_back(std::move(entry));
  }
  for (const auto& [name, value] : record.settings) settings[name] = text_json(value);
  const Json chat = {{"model", text_json(record.model)},
                     {"system", text_json(record.system)},
                     {"settings", std::move(settings)},
                     {"turns", std::move(turns)}};
  const std::string body = chat.dump() + "\n";
  return seal(body) + body;
}

ChatRecord read_record(std::string_view content, const std::string& name) {
  const Json chat = Json::parse(sealed_body(content, name), nullptr, false);
  if (chat.is_discarded()) throw Error(Errc::corrupt, fmt::format("{}: no JSON behind the seal", name));
  const Members members(chat, name);
  ChatRecord record;
  record.model = members.text("model");
  record.system = members.text("system");
  const Members settings(members.at("settings"), name + ": settings");
  for (const auto& [key, value] : members.at("settings").items())
    record.settings.emplace_back(key, settings.text(key.c_str()));
  const Json& turns = members.at("turns");
  if (!turns.is_array()) members.fail(Errc::type, "turns", "must be an array");
  for (const Json& entry : turns) {
    const Members turn(entry, fmt::format("{}: turn {}", name, record.turns.size() + 1));
    record.turns.push_back(
        {turn.text("user"), turn.text("answer"), turn.has("reasoning") ? turn.text("reasoning") : "", true,
         turn.has("cut") && turn.at("cut") == true,
         turn.has("steps") ? read_steps(turn.at("steps"), turn) : std::vector<ChatMessage>()});
    record.sampled.emplace_back();
    if (turn.has("tokens")) record.sampled.back() = {turn.tokens("tokens"), turn.text("prompt_end")};
  }
  return record;
}

}  // namespace longhand::cli
