#include "cli/chat/reach_note.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "engine/api/advice.h"

namespace longhand::cli {
namespace {

std::string summary_text(const SessionMemory& m) {
  if (m.name == "window")
    return fmt::format("the first few tokens and the last {}, and none between", m.window);
  if (m.name == "performer")
    return fmt::format("the last {0} to {1} tokens as they are, and sums of features for older ones",
                       m.window, 2 * m.window);
  const std::string exact =
      m.exact > 0 ? fmt::format(", of whose tokens each query reads {} exactly", m.exact) : "";
  return fmt::format("the last {} to {} tokens as they are, and {} codes of each head for older ones{}",
                     m.summary_window, 2 * m.summary_window, m.codes, exact);
}

}  // namespace

ReachNote::ReachNote(const Session& session, const SessionOptions& options)
    : context_(session.context()),
      near_(session.memory().near_until),
      reach_(text_reach(session.model(), options, context_)) {}

void ReachNote::tell(const Session& session, int size) {
  if (size > context_) return;  // what does not fit is refused anyway
  const SessionMemory memory = session.memory();
  if (!told_summary_ && memory.name == "auto" && size > memory.exact_until) {
    told_summary_ = told_ = true;
    return print_note(
        fmt::format("the text is longer than the {} tokens of which all are kept; from here on "
                    "the model sees {}",
                    memory.exact_until, summary_text(memory)));
  }
  tell_far(size);
}

void ReachNote::tell_far(int size) {
  if (told_ || size <= std::min(near_, reach_)) return;
  told_ = true;
  if (size > near_) {
    print_note(
        fmt::format("the text is longer than the {} tokens this model was trained on; from here on it sees "
                    "older ones from a distance it knows (--attention auto)",
                    near_));
    return;
  }
  print_note(fmt::format(
      "the text is longer than the {0} tokens this model can tell apart by distance; "
      "-c {1} --attention rerope keeps all of it in reach, -c {1} --attention vq in constant memory",
      reach_, context_));
}

std::string_view memory_in_force(const SessionMemory& m, int size) {
  if (m.name != "auto") return m.name;
  return size > m.exact_until ? "vq" : size > m.near_until ? "rerope" : "full";
}

std::string describe_memory(const SessionMemory& m, int context) {
  const std::string bytes = format_bytes(m.bytes);
  if (m.exact_until >= context) return fmt::format("every token as it is; {} at most", bytes);
  if (m.name != "auto") return fmt::format("{}; {}", summary_text(m), bytes);
  return fmt::format("every token as it is up to {}, then {}; {} at most", m.exact_until, summary_text(m),
                     bytes);
}

void tell_memory(const Session& session, const SessionOptions& options) {
  if (options.memory_budget == 0 && options.min_speed == 0) return;
  const SessionMemory memory = session.memory();
  const bool shifts = memory.name == "full" || options.context > session.model().info().trained_context;
  print_note(fmt::format("memory of the text: {}{}", describe_memory(memory, session.context()),
                         shifts ? "" : "; a full context is read again, not moved"));
}

}  // namespace longhand::cli
