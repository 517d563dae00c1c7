#include "cli/chat/chat_reports.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "cli/chat/chat_settings.h"
#include "cli/chat/reach_note.h"
#include "cli/chat/session_settings.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/units.h"

namespace longhand::cli {
namespace {

std::string rate(long tokens, double seconds) {
  if (seconds <= 0) return fmt::format("{} tokens", tokens);
  return fmt::format("{} tokens in {:.2f} s, {:.1f} tokens/s", tokens, seconds, double(tokens) / seconds);
}

// Of the whole process, weights that are mapped included; 0 where the system does not say.
std::uint64_t resident_memory() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return file ? resident * std::uint64_t(::sysconf(_SC_PAGESIZE)) : 0;
}

std::size_t count_tokens(const Model& model, const std::string& text) {
  return model.encode(text, false).size();
}

std::string tokens_of_text(const Model& model, const std::string& text) {
  constexpr std::size_t kShown = 200;
  const std::vector<Token> tokens = model.encode(text, false);
  std::string out;
  for (std::size_t i = 0; i < std::min(tokens.size(), kShown); ++i) {
    out += fmt::format("  {:>7}  \"{}\"\n", tokens[i], escape_controls(model.piece(tokens[i], true)));
  }
  if (tokens.size() > kShown) out += "  ...\n";
  return out + fmt::format("  {} tokens\n", tokens.size());
}

}  // namespace

void show_settings(ChatState& state, const std::string&) {
  const ModelInfo info = state.chat.model().info();
  const ProgramSettings settings = state.settings();
  std::string out = fmt::format("  {:<18} {}\n", "model", make_visible(info.name));
  out += fmt::format("  {:<18} {}, {} parameters, {}\n", "", make_visible(info.architecture),
                     format_count(info.parameters), info.type);
  out += fmt::format("  {:<18} {} layers, {} wide, {} heads, {} for keys and values\n", "", info.layers,
                     info.hidden, info.heads, info.kv_heads);
  out += fmt::format("  {:<18} {} tokens, trained for {}\n", "context", state.chat.session().context(),
                     info.trained_context);
  const Session& session = state.chat.session();
  out += fmt::format("  {:<18} {}\n", "attention now", memory_in_force(session.memory(), session.size()));
  out += fmt::format("  {:<18} {}\n", "remembered", describe_memory(session.memory(), session.context()));
  if (const int forgotten = state.chat.forgotten(); forgotten > 0)
    out += fmt::format("  {:<18} {} of {} turns no longer, the oldest{}\n", "the model sees", forgotten,
                       state.chat.turns().size(),
                       state.chat.kept() > 0 ? fmt::format(" behind the first {}", state.chat.kept()) : "");
  out += fmt::format("  {:<18} {}\n", "saved as",
                     state.store.open_name().empty() ? "not saved" : state.store.open_name());
  out += fmt::format("  {:<18} {}\n", "system prompt",
                     settings.system.empty() ? "none" : make_visible(settings.system));
  out += fmt::format("  {:<18} {}\n", "chat template",
                     state.chat.written().is_fallback() ? "ChatML, in place of the model's" : "the model's");
  for (const auto& [name, value] : list_settings(settings))
    out += fmt::format("  {:<18} {}\n", name, make_visible(value));
  out += fmt::format("  {:<18} {}\n", "seed in use", state.chat.seed());
  for (const auto& [name, value] : list_session_settings(state.options))
    out += fmt::format("  {:<25} {}\n", name, value);
  write_error(out);
}

void show_stats(ChatState& state, const std::string&) {
  const ChatTotals& totals = state.totals;
  Session& session = state.chat.session();
  const ModelInfo info = state.chat.model().info();
  std::string out = fmt::format("  {:<12} {} in this chat; turns: {}, of which the model sees {}\n",
                                "answers", totals.answers, state.chat.turns().size(),
                                state.chat.turns().size() - std::size_t(state.chat.forgotten()));
  out += fmt::format("  {:<12} {}\n", "read", rate(totals.read_tokens, totals.read_seconds));
  out += fmt::format("  {:<12} {}\n", "written", rate(totals.written_tokens, totals.write_seconds));
  out += fmt::format("  {:<12} {} of {} tokens\n", "context", session.size(), session.context());
  out += fmt::format("  {:<12} {} for weights, {} for this chat; {} resident in all\n", "memory",
                     format_bytes(info.weight_bytes), format_bytes(session.bytes()),
                     format_bytes(resident_memory()));
  out += fmt::format("  {:<12} {} thread{}, {} kernels\n", "computing", session.threads(),
                     session.threads() == 1 ? "" : "s", info.isa);
  out += fmt::format("  {:<12} {}\n", "seed", state.chat.seed());
  write_error(out);
}

// Without the few tokens a template puts around each message.
void show_tokens(ChatState& state, const std::string& text) {
  const Model& model = state.chat.model();
  if (!text.empty()) return write_error(tokens_of_text(model, text));
  std::string out;
  const auto add = [&](const std::string& label, std::size_t tokens) {
    out += fmt::format("  {:<20} {:>7}\n", label, tokens);
  };
  if (const std::string& system = state.chat.settings().system; !system.empty())
    add("system prompt", count_tokens(model, system));
  int number = 0;
  for (const ChatTurn& turn : state.chat.turns()) {
    ++number;
    const bool seen = number <= state.chat.kept() || number > state.chat.kept() + state.chat.forgotten();
    add(fmt::format("turn {}{}", number, seen ? "" : " (not seen)"),
        count_tokens(model, turn.user) + count_tokens(model, turn.answer));
  }
  if (!state.attached.empty()) add("to be sent", count_tokens(model, state.attached));
  Session& session = state.chat.session();
  out += fmt::format("  {:<20} {:>7} of {} tokens, with what the chat template adds\n", "context",
                     session.size(), session.context());
  write_error(out);
}

}  // namespace longhand::cli
