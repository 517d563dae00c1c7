#include "engine/serve/text_cache.h"

#include <algorithm>
#include <optional>

#include "engine/api/session_impl.h"

namespace longhand {
namespace {

// Texts kept at most: each is compared with every prompt.
constexpr std::size_t kMostTexts = 1024;

// Memory that a text takes: attention has whole chunks of it once they were shared and written to.
std::uint64_t bytes_of(Session& session) {
  const Sequence& sequence = Access::impl(session)->sequence;
  const auto size = std::uint64_t(session.size());
  const std::uint64_t chunked = (size + kAttendKeys - 1) / kAttendKeys * kAttendKeys;
  const std::uint64_t logits = std::uint64_t(sequence.model.config.vocab) * sizeof(float);
  return std::min(session.state_bytes() / size * chunked, sequence.states.bytes()) + logits;
}

bool has_logits(Session& session) noexcept {
  return Access::impl(session)->logits_position == session.size() - 1;
}

int common(const Session& session, std::span<const Token> prompt) {
  const std::span<const Token> held = session.tokens();
  return int(std::ranges::mismatch(held, prompt).in1 - held.begin());
}

// Where a session has to go back to for `prompt`. The last token is read again unless its logits are there.
int way_back(Session& session, std::span<const Token> prompt) {
  const int shared = common(session, prompt);
  if (shared < int(prompt.size())) return shared;
  const bool exact = session.size() == shared && has_logits(session);
  return exact ? shared : shared - 1;
}

}  // namespace

Session TextCache::empty(const std::shared_ptr<const Adaptation>& adaptation) const {
  Session session(runner_, options_);
  Access::impl(session)->adapt(adaptation);
  return session;
}

int TextCache::saves(Session& session, const WantedText& wanted) {
  if (!same(Access::impl(session)->sequence.adaptation.get(), wanted.adaptation.get())) return 0;
  const int to = way_back(session, wanted.prompt);
  return to - session.rewind_cost(to);
}

int TextCache::best(const WantedText& wanted) {
  int most = 0;
  for (Kept& kept : kept_) most = std::max(most, saves(kept.session, wanted));
  return most;
}

Beginning TextCache::take(const WantedText& wanted, std::span<Session* const> in_use) {
  int most = 0;
  Session* best = nullptr;
  std::optional<std::size_t> kept;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (const int saved = saves(kept_[i].session, wanted); saved > most)
      most = saved, best = &kept_[i].session, kept = i;
  }
  for (Session* session : in_use) {
    if (const int saved = saves(*session, wanted); saved > most) most = saved, best = session, kept.reset();
  }
  if (best == nullptr) return {empty(wanted.adaptation), 0};
  // A text of which little would be lost is most likely the same conversation, one turn ago.
  const bool same = kept && most >= best->size() - best->size() / 4;
  Session session = same ? std::move(kept_[*kept].session) : best->fork();
  if (same) {
    remove(*kept);
  } else if (kept) {
    std::rotate(kept_.begin() + std::ptrdiff_t(*kept), kept_.begin() + std::ptrdiff_t(*kept) + 1,
                kept_.end());
  }
  if (most < session.size()) session.rewind(most);
  return {std::move(session), most};
}

void TextCache::give(Session session) noexcept {
  if (session.size() == 0 || limit_ == 0) return;
  try {
    const std::uint64_t bytes = bytes_of(session);
    kept_.push_back({std::move(session), bytes});
    bytes_ += bytes;
  } catch (...) { return; }  // memory is short: it is not kept
  while (bytes_ > limit_ || kept_.size() > kMostTexts) forget_one();
}

bool TextCache::forget_one() {
  if (kept_.empty()) return false;
  remove(0);
  return true;
}

void TextCache::remove(std::size_t i) {
  bytes_ -= kept_[i].bytes;
  kept_.erase(kept_.begin() + std::ptrdiff_t(i));
}

}  // namespace longhand
