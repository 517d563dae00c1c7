#include "engine/sampling/grammar/grammar_filter.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace longhand {
namespace {

// What was learnt for earlier tokens is dropped beyond that.
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;
constexpr std::size_t kMaskBytes = std::size_t{8} << 20;
constexpr std::size_t kMostCharacters = 64;  // of a token among those by length

// Most words of a mask are all of one kind.
void refuse_others(const TokenBits& allowed, std::span<float> logits) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (std::size_t begin = 0; begin < logits.size(); begin += 64) {
    const std::span<float> part = logits.subspan(begin, std::min<std::size_t>(64, logits.size() - begin));
    std::uint64_t refused = ~allowed[begin / 64];
    if (refused == ~std::uint64_t{0}) {
      std::ranges::fill(part, kNever);
      continue;
    }
    for (; refused != 0; refused &= refused - 1) {
      const auto i = std::size_t(std::countr_zero(refused));
      if (i < part.size()) part[i] = kNever;
    }
  }
}

}  // namespace

GrammarFilter::GrammarFilter(std::string_view gbnf, const TokenTable& tokens, GrammarTrigger trigger)
    : tokens_(tokens),
      matcher_(parse_gbnf(gbnf, &tokens)),
      state_(matcher_.start()),
      watch_(std::move(trigger)) {
  reset();
}

void GrammarFilter::begin_text(int quiet) noexcept {
  const GrammarTrigger& trigger = watch_.trigger();
  state_ = matcher_.start();
  waiting_ = !trigger.starts.empty();
  seen_.tail.clear();
  seen_.blank = true;
  seen_.quiet = quiet < int(trigger.quiet.size()) ? quiet : -1;
}

GrammarFilter::State GrammarFilter::walk(State state, std::string_view bytes) {
  for (const char byte : bytes) {
    state = matcher_.step(state, std::uint8_t(byte));
    if (state == GrammarMatcher::kDead) break;
  }
  return state;
}

GrammarFilter::State GrammarFilter::after(Token token) {
  if (matcher_.has_tokens()) {
    const State state = matcher_.step_token(state_, token);
    if (state != GrammarMatcher::kDead) return tokens_.ends_generation(token) ? matcher_.start() : state;
  }
  if (tokens_.ends_generation(token)) {
    return matcher_.can_end(state_) ? matcher_.start() : GrammarMatcher::kDead;
  }
  const std::string bytes = tokens_.piece(token);
  return bytes.empty() ? GrammarMatcher::kDead : walk(state_, bytes);  // nothing would change for ever
}

void GrammarFilter::start_work() {
  if (matcher_.bytes() > kKeptBytes) {
    state_ = matcher_.forget(state_);
    masks_.clear();
    if (vocabulary_) vocabulary_->by_length.forget();
  }
  matcher_.start_work();
}

// What a token adds to the text in which the trigger is looked for.
std::string GrammarFilter::watched(Token token) const {
  const auto& shown = watch_.trigger().written_out;
  const bool written_out = tokens_.written_out && std::ranges::find(shown, token) != shown.end();
  return written_out ? tokens_.written_out(token) : tokens_.piece(token);
}

bool GrammarFilter::allows_while_waiting(Token token) {
  if (tokens_.ends_generation(token)) return true;
  TriggerWatch::State seen = seen_;
  const auto fed = watch_.push(seen, watched(token));
  return !fed || walk(matcher_.start(), *fed) != GrammarMatcher::kDead;
}

bool GrammarFilter::allows(Token token) {
  start_work();
  return waiting_ ? allows_while_waiting(token) : after(token) != GrammarMatcher::kDead;
}

void GrammarFilter::accept(Token token) {
  start_work();
  if (tokens_.ends_generation(token) && allows(token)) return reset();
  if (!waiting_) {
    state_ = after(token);
    return;
  }
  TriggerWatch::State seen = seen_;
  const auto fed = watch_.push(seen, watched(token));
  if (fed) state_ = walk(matcher_.start(), *fed);
  waiting_ = !fed;
  seen_ = std::move(seen);
}

void GrammarFilter::read_vocabulary() {
  Vocabulary made;
  made.by_length = PlainTokens((std::size_t(tokens_.size) + 63) / 64);
  std::vector<std::pair<std::string, Token>> plain;
  std::vector<std::pair<std::string, Token>> others;
  for (Token id = 0; id < tokens_.size; ++id) {
    if (tokens_.ends_generation(id)) {
      made.ends.push_back(id);
      continue;
    }
    std::string bytes = tokens_.piece(id);
    if (bytes.empty()) continue;
    const auto characters = PlainTokens::characters(bytes);
    const bool is_plain = characters && *characters <= kMostCharacters;
    if (is_plain) made.by_length.add(id, *characters);
    (is_plain ? plain : others).emplace_back(std::move(bytes), id);
  }
  made.plain = TokenTrie(std::move(plain));
  made.others = TokenTrie(std::move(others));
  made.longest = std::max(made.plain.longest(), made.others.longest());
  vocabulary_ = std::move(made);  // nothing can fail any more
}

// Tokens that can follow by their bytes.
TokenBits GrammarFilter::followed(State state) {
  TokenBits bits((std::size_t(tokens_.size) + 63) / 64);
  if (!vocabulary_->by_length.add_followed(matcher_, state, vocabulary_->longest, bits))
    vocabulary_->plain.add_followed(matcher_, state, bits);
  vocabulary_->others.add_followed(matcher_, state, bits);
  return bits;
}

const TokenBits& GrammarFilter::known(State state) {
  if (const auto found = masks_.find(state); found != masks_.end()) return found->second;
  TokenBits bits = followed(state);
  if ((masks_.size() + 1) * bits.size() * sizeof(bits[0]) > kMaskBytes) masks_.clear();
  return masks_[state] = std::move(bits);
}

void GrammarFilter::mask(std::span<float> logits) {
  if (!vocabulary_) read_vocabulary();
  start_work();
  if (waiting_) {
    for (Token id = 0; id < tokens_.size; ++id) {
      if (!allows_while_waiting(id)) logits[std::size_t(id)] = -std::numeric_limits<float>::infinity();
    }
    return;
  }
  // Counts of repetitions make new states all the time, of which most allow the same tokens.
  TokenBits allowed = known(matcher_.settled(state_, vocabulary_->longest));
  // Most grammars name a few tokens; one that refuses a token allows all others.
  if (const auto& named = matcher_.only_tokens()) {
    for (const Token id : *named) {
      if (id < tokens_.size && after(id) != GrammarMatcher::kDead) add_token(allowed, id);
    }
  } else {
    for (Token id = 0; id < tokens_.size; ++id) {
      if (!has_token(allowed, std::size_t(id)) && after(id) != GrammarMatcher::kDead) add_token(allowed, id);
    }
  }
  for (const Token id : vocabulary_->ends) {
    if (after(id) != GrammarMatcher::kDead) add_token(allowed, id);
  }
  refuse_others(allowed, logits.first(std::size_t(tokens_.size)));
}

}  // namespace longhand
