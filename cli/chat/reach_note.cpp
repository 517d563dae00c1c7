#include "cli/chat/reach_note.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal/terminal.h"
#include "engine/api/advice.h"

namespace longhand::cli {

ReachNote::ReachNote(const Session& session, const SessionOptions& options)
    : context_(session.context()),
      near_(true_distance_until(session.model(), options, context_)),
      reach_(text_reach(session.model(), options, context_)) {}

void ReachNote::tell(int size) {
  if (told_ || size <= std::min(near_, reach_) || size > context_)
    return;  // what does not fit is refused anyway
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

}  // namespace longhand::cli
