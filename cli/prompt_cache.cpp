#include "cli/prompt_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/terminal/terminal.h"

namespace longhand::cli {

std::size_t PromptCache::use(Session& session, std::span<const Token> prompt) {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return 0;
  try {
    session.restore_state(path_);
  } catch (const Error& error) {
    print_note(fmt::format("the prompt cache is not used: {}", error.what()));
    return 0;
  }
  const std::span<const Token> held = session.tokens();
  const auto agrees =
      std::mismatch(held.begin(), held.end(), prompt.begin(), prompt.end()).first - held.begin();
  held_ = std::size_t(agrees);
  // Logits come from feeding, so at least one token has to be fed.
  const std::size_t kept = std::min(held_, prompt.size() - 1);
  session.rewind(int(kept));
  return kept;
}

void PromptCache::keep(Session& session, std::span<const Token> prompt) {
  if (path_.empty() || fixed_ || std::size_t(session.size()) < prompt.size()) return;
  if (!answer_ && held_ == prompt.size()) return;  // the file has it all
  if (!answer_) session.rewind(int(prompt.size()));
  session.save_state(path_);
}

}  // namespace longhand::cli
