#include "cli/chat/context_hint.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/api/advice.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kStep = 256;  // lengths are easier to read and to type
constexpr std::size_t kMost = std::size_t{1} << 30;

std::string_view without_code(const Error& error) {
  std::string_view text = error.what();
  const std::size_t code = errc_name(error.code()).size() + std::string_view(" []").size();
  text.remove_suffix(std::min(text.size(), code));
  return text;
}

}  // namespace

Error with_context_hint(const Error& error, const Session& session, const SessionOptions& options,
                        std::size_t needed) {
  const std::size_t length = (needed + kStep - 1) / kStep * kStep;
  if (length > kMost) return error;
  std::string hint = fmt::format("-c {} makes room", length);
  SessionOptions longer = options;
  longer.context = int(length);
  if (text_reach(session.model(), longer, longer.context) < longer.context) {
    hint += fmt::format(
        ", with --rope-scale auto or --attention rerope or vq, for the model was trained for {} tokens",
        session.model().info().trained_context);
  }
  return {error.code(), fmt::format("{}; {}", without_code(error), hint)};
}

}  // namespace longhand::cli
