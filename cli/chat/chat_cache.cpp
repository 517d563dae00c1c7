#include "cli/chat/chat_cache.h"

#include <algorithm>
#include <filesystem>

namespace longhand::cli {
namespace {

// Fewer are read again in no time.
constexpr int kWorthwhile = 32;  // tokens

void remove(const std::string& path) noexcept {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

// Of another model, options or version, to which the chat may come back; or not read at all.
bool may_be_good(Errc code) noexcept {
  return code == Errc::mismatch || code == Errc::version || code == Errc::io || code == Errc::no_memory;
}

}  // namespace

void ChatCache::keep(const std::string& path, const Session& session) noexcept {
  try {
    if (session.size() < kWorthwhile) return;  // an older file may still serve whoever wrote it
    if (session.state_bytes() > most_bytes_) return remove(path);
    if (path == path_ && std::ranges::equal(tokens_, session.tokens())) return;
    path_.clear();
    session.save_state(path);
    tokens_.assign(session.tokens().begin(), session.tokens().end());
    path_ = path;
  } catch (const std::exception&) {}  // the next one who loads the chat reads it
}

void ChatCache::use(const std::string& path, Session& session) noexcept {
  try {
    session.restore_state(path);
    path_.clear();
    tokens_.assign(session.tokens().begin(), session.tokens().end());
    path_ = path;
  } catch (const Error& error) {
    if (!may_be_good(error.code())) remove(path);
  } catch (const std::exception&) {}
}

}  // namespace longhand::cli
