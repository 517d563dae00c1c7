#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/chat/answer_view.h"
#include "cli/terminal/output.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

void write_event(std::string_view name, const Json& members) {
  Json event = {{"event", name}};
  event.update(members);
  // ASCII alone, which every pipe and terminal takes; names of models may be no UTF-8.
  write_output(event.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n");
}

// "end of generation" as a word for programs.
std::string reason_word(StopReason reason) {
  std::string word(stop_reason_name(reason));
  std::ranges::replace(word, ' ', '_');
  return word;
}

double rate(int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; }

class JsonView : public AnswerView {
 public:
  void ready(const Session& session, std::uint32_t seed) override {
    const ModelInfo info = session.model().info();
    write_event("ready", {{"model", info.name},
                          {"architecture", info.architecture},
                          {"context", session.context()},
                          {"threads", session.threads()},
                          {"seed", seed}});
  }

  void begin(Showing) override {}

  void reading(int done, int total) override {
    // Single tokens are the model writing.
    if (total > 1) write_event("progress", {{"what", "reading"}, {"done", done}, {"total", total}});
  }

  void prompt(const std::string& text) override { write_event("prompt", {{"text", text}}); }

  void text(std::string_view text, bool reasoning) override {
    write_event(reasoning ? "reasoning" : "text", {{"text", text}});
  }

  void call(const ToolCall& call) override {
    write_event(
        "tool_call",
        {{"id", call.id}, {"name", call.name}, {"arguments", Json::parse(call.arguments, nullptr, false)}});
  }

  void end(const ChatAnswer& answer, const Session& session) override {
    write_event("end", {{"reason", reason_word(answer.reason)},
                        {"read_tokens", answer.read_tokens},
                        {"written_tokens", answer.written_tokens},
                        {"dropped_turns", answer.dropped_turns},
                        {"moved_tokens", answer.moved_tokens},
                        {"read_seconds", answer.read_seconds},
                        {"write_seconds", answer.write_seconds},
                        {"tokens_per_second", rate(answer.written_tokens, answer.write_seconds)},
                        {"context_used", session.size()},
                        {"context", session.context()}});
  }

  void fail(const Error& error) override {
    write_error(fmt::format("error: {}\n", error.what()));
    write_event("error", {{"code", errc_name(error.code())}, {"message", error.what()}});
  }
};

}  // namespace

std::unique_ptr<AnswerView> make_json_view() { return std::make_unique<JsonView>(); }

std::function<bool(float)> loading_events() {
  return [told = -1](float share) mutable {
    const int now = share < 1 ? 0 : 100;
    if (now > told) write_event("progress", {{"what", "loading"}, {"done", now}, {"total", 100}});
    told = std::max(told, now);
    return true;
  };
}

}  // namespace longhand::cli
