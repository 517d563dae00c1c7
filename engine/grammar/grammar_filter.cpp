#include "engine/grammar/grammar_filter.h"

#include <algorithm>
#include <limits>

namespace longhand {
namespace {

// What was learnt for earlier tokens is dropped beyond that.
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

}  // namespace

GrammarFilter::GrammarFilter(std::string_view gbnf, const TokenTable& tokens)
    : tokens_(tokens), matcher_(parse_gbnf(gbnf, &tokens)), state_(matcher_.start()) {}

GrammarFilter::State GrammarFilter::walk(State state, std::string_view bytes) {
  for (const char byte : bytes) {
    state = matcher_.step(state, static_cast<unsigned char>(byte));
    if (state == GrammarMatcher::kDead) break;
  }
  return state;
}

GrammarFilter::State GrammarFilter::after(Token token) {
  if (matcher_.has_tokens()) {
    const State state = matcher_.step_token(state_, token);
    if (state != GrammarMatcher::kDead) return state;
  }
  if (tokens_.ends_generation(token)) {
    return matcher_.can_end(state_) ? matcher_.start() : GrammarMatcher::kDead;
  }
  const std::string bytes = tokens_.piece(token);
  return bytes.empty() ? GrammarMatcher::kDead : walk(state_, bytes);  // nothing would change for ever
}

void GrammarFilter::start_work() {
  if (matcher_.bytes() > kKeptBytes) state_ = matcher_.forget(state_);
  matcher_.start_work();
}

bool GrammarFilter::allows(Token token) {
  start_work();
  return after(token) != GrammarMatcher::kDead;
}

void GrammarFilter::accept(Token token) {
  start_work();
  state_ = after(token);
}

void GrammarFilter::sort_vocabulary() {
  std::vector<Entry> entries;
  text_.clear();
  for (Token id = 0; id < tokens_.size; ++id) {
    const std::string bytes = tokens_.ends_generation(id) ? std::string() : tokens_.piece(id);
    if (bytes.empty()) continue;
    entries.push_back(
        {id, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(bytes.size()), 0});
    text_ += bytes;
  }
  entries_ = std::move(entries);  // nothing can fail any more
  std::sort(entries_.begin(), entries_.end(),
            [&](const Entry& a, const Entry& b) { return piece(a) < piece(b); });
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    const std::string_view a = piece(entries_[i - 1]);
    const std::string_view b = piece(entries_[i]);
    const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
    entries_[i].shared = static_cast<std::uint32_t>(differ - a.begin());
  }
}

void GrammarFilter::mask(std::span<float> logits) {
  if (entries_.empty()) sort_vocabulary();
  start_work();
  std::vector<bool> allowed(logits.size(), false);
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<State> path = {state_};  // path[n]: after n bytes of the current entry
  std::size_t dead = kNone;            // so many bytes of the current entry are one too many
  for (const Entry& entry : entries_) {
    if (entry.shared >= dead) continue;
    dead = kNone;
    path.resize(entry.shared + 1);
    for (const char byte : piece(entry).substr(entry.shared)) {
      const State next = matcher_.step(path.back(), static_cast<unsigned char>(byte));
      if (next == GrammarMatcher::kDead) {
        dead = path.size();
        break;
      }
      path.push_back(next);
    }
    if (dead == kNone) allowed[static_cast<std::size_t>(entry.id)] = true;
  }
  for (Token id = 0; id < tokens_.size; ++id) {
    const auto i = static_cast<std::size_t>(id);
    const bool special = matcher_.has_tokens() || tokens_.ends_generation(id);
    if (!allowed[i] && special) allowed[i] = after(id) != GrammarMatcher::kDead;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(tokens_.size); ++i) {
    if (!allowed[i]) logits[i] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace longhand
