#include "engine/sampling/grammar/grammar_matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "ops/error.h"

namespace longhand {
namespace {

// Beside a way that is merely looked at, one that is followed.
constexpr std::size_t kFollowed = 16;
// Of an entry in a hash table, with its share of buckets.
constexpr std::size_t kNodeBytes = 48;

}  // namespace

GrammarMatcher::GrammarMatcher(Grammar grammar) : grammar_(std::move(grammar)) {
  find_byte_classes();
  for (const Symbol symbol : grammar_.symbols) {
    if (symbol.kind == Symbol::Kind::not_token) only_tokens_.reset();
    if (symbol.kind == Symbol::Kind::token && only_tokens_) only_tokens_->push_back(Token(symbol.value));
  }
  if (only_tokens_) {
    std::ranges::sort(*only_tokens_);
    only_tokens_->erase(std::unique(only_tokens_->begin(), only_tokens_->end()), only_tokens_->end());
  }
  stacks_.assign(1, {});
  number({});  // kDead
  std::vector<Way> work;
  for (const std::uint32_t start : grammar_.rules[grammar_.root].alternatives) work.push_back({start, 0});
  start_ = close(std::move(work));
}

// Refines one class of all bytes by each set in turn.
void GrammarMatcher::find_byte_classes() {
  class_count_ = 1;
  for (const ByteSet& set : grammar_.byte_sets) {
    if (class_count_ == 256) break;
    std::unordered_map<unsigned, std::uint8_t> renamed;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const unsigned key = class_of_[byte] * 2u + (set[byte] ? 1u : 0u);
      class_of_[byte] = renamed.try_emplace(key, std::uint8_t(renamed.size())).first->second;
    }
    class_count_ = renamed.size();
  }
}

std::uint32_t GrammarMatcher::push(const Stack& stack) {
  if (const auto known = by_stack_.find(stack); known != by_stack_.end()) return known->second;
  const auto index = std::uint32_t(stacks_.size());
  stacks_.push_back(stack);  // first: should memory run out below, it is merely never found
  by_stack_.emplace(stack, index);
  bytes_ += 2 * sizeof(Stack) + kNodeBytes;
  return index;
}

void GrammarMatcher::spend(std::size_t work) {
  work_ += work;
  if (work_ > kMaxWork) {
    throw Error(Errc::grammar,
                fmt::format("grammar is too ambiguous: one token takes more than {} steps", kMaxWork));
  }
  if (bytes_ > kMaxBytes) {
    throw Error(Errc::grammar,
                fmt::format("grammar is too ambiguous: one token takes more than {} MiB", kMaxBytes >> 20));
  }
}

// Follows rules in and out until every way stands before something to read. A rule that is the last thing of
// its alternative leaves nothing to return to, so loops do not pile up stacks. Each way is visited once,
// which ends repetitions of nothing.
GrammarMatcher::State GrammarMatcher::close(std::vector<Way> work) {
  Info info;
  std::unordered_set<std::uint64_t> seen;
  while (!work.empty()) {
    const Way way = work.back();
    work.pop_back();
    if (!seen.insert(std::uint64_t{way.place} << 32 | way.stack).second) continue;
    if (seen.size() > kMaxWays) {
      throw Error(Errc::grammar,
                  fmt::format("grammar is too ambiguous: a text can go on in more than {} ways", kMaxWays));
    }
    const Symbol symbol = grammar_.symbols[way.place];
    if (symbol.kind == Symbol::Kind::end) {
      if (way.stack == 0) {
        info.can_end = true;
      } else {
        const Stack top = stacks_[way.stack];
        const bool counts = grammar_.symbols[top.place].kind == Symbol::Kind::repeat;
        if (counts)
          repeat({top.place, top.below}, top.count, work);
        else
          work.push_back({top.place, top.below});
      }
    } else if (symbol.kind == Symbol::Kind::repeat) {
      repeat(way, 0, work);
    } else if (symbol.kind == Symbol::Kind::rule) {
      const bool tail = grammar_.symbols[way.place + 1].kind == Symbol::Kind::end;
      const std::uint32_t stack = tail ? way.stack : push({way.place + 1, way.stack, 0});
      for (const std::uint32_t start : grammar_.rules[symbol.value].alternatives)
        work.push_back({start, stack});
    } else {
      info.ways.push_back(way);
    }
  }
  spend(kFollowed * seen.size());
  std::sort(info.ways.begin(), info.ways.end());
  return number(std::move(info));
}

// `way` stands at a repetition with `done` copies read. Without a limit, copies beyond the least need no
// count.
void GrammarMatcher::repeat(Way way, std::uint32_t done, std::vector<Way>& work) {
  const Grammar::Repeat& repeat = grammar_.repeats[grammar_.symbols[way.place].value];
  if (done >= repeat.min) work.push_back({way.place + 1, way.stack});
  if (done >= repeat.max) return;
  const std::uint32_t begun = repeat.max == kNoLimit ? std::min(done + 1, repeat.min) : done + 1;
  const std::uint32_t stack = push({way.place, way.stack, begun});
  for (const std::uint32_t start : grammar_.rules[repeat.rule].alternatives) work.push_back({start, stack});
}

GrammarMatcher::State GrammarMatcher::number(Info info) {
  std::uint64_t hash = info.can_end ? 1 : 0;
  for (const Way& way : info.ways) {
    hash = (hash ^ (std::uint64_t{way.place} << 32 | way.stack)) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 29;
  }
  for (auto [it, end] = by_hash_.equal_range(hash); it != end; ++it) {
    const Info& known = states_[it->second];
    if (known.can_end == info.can_end && known.ways == info.ways) return it->second;
  }
  // In this order, so that what is there when memory runs out is whole.
  const auto state = State(states_.size());
  const std::size_t bytes =
      sizeof info + info.ways.capacity() * sizeof(Way) + class_count_ * sizeof(State) + kNodeBytes;
  next_.resize((std::size_t{state} + 1) * class_count_, kUnknown);
  states_.push_back(std::move(info));
  by_hash_.emplace(hash, state);
  bytes_ += bytes;
  return state;
}

GrammarMatcher::State GrammarMatcher::learn(State state, unsigned char byte, std::size_t entry) {
  spend(states_[state].ways.size());
  std::vector<Way> work;
  for (const Way& way : states_[state].ways) {
    const Symbol symbol = grammar_.symbols[way.place];
    if (symbol.kind == Symbol::Kind::bytes && grammar_.byte_sets[symbol.value][byte]) {
      work.push_back({way.place + 1, way.stack});
    }
  }
  const State next = close(std::move(work));
  next_[entry] = next;
  return next;
}

GrammarMatcher::State GrammarMatcher::step_token(State state, Token token) {
  spend(states_[state].ways.size());
  std::vector<Way> work;
  for (const Way& way : states_[state].ways) {
    const Symbol symbol = grammar_.symbols[way.place];
    const bool same = symbol.value == std::uint32_t(token);
    if ((symbol.kind == Symbol::Kind::token && same) || (symbol.kind == Symbol::Kind::not_token && !same)) {
      work.push_back({way.place + 1, way.stack});
    }
  }
  return work.empty() ? kDead : close(std::move(work));
}

// Below the least or not, and how far from both bounds, is all that a count decides.
std::uint32_t GrammarMatcher::settled_count(const Stack& stack, std::uint32_t horizon) const noexcept {
  const Symbol symbol = grammar_.symbols[stack.place];
  if (symbol.kind != Symbol::Kind::repeat) return stack.count;
  const Grammar::Repeat& repeat = grammar_.repeats[symbol.value];
  const std::uint32_t count = stack.count;
  if (count < repeat.min) return repeat.min - count > horizon ? std::min(count, 1u) : count;
  const bool far = repeat.max == kNoLimit || repeat.max - count > horizon;
  return far && count > 0 ? std::max(repeat.min, 1u) : count;
}

GrammarMatcher::State GrammarMatcher::settled(State state, std::uint32_t horizon) {
  if (grammar_.repeats.empty()) return state;
  Info info = states_[state];
  std::unordered_map<std::uint32_t, std::uint32_t> known = {{0, 0}};
  bool same = true;
  for (Way& way : info.ways) {
    std::vector<std::uint32_t> above;  // top first
    std::uint32_t stack = way.stack;
    for (; !known.contains(stack); stack = stacks_[stack].below) above.push_back(stack);
    std::uint32_t renewed = known[stack];
    for (auto at = above.rbegin(); at != above.rend(); ++at) {
      const Stack old = stacks_[*at];
      renewed = known[*at] = push({old.place, renewed, settled_count(old, horizon)});
    }
    spend(above.size());
    same = same && renewed == way.stack;
    way.stack = renewed;
  }
  if (same) return state;
  std::sort(info.ways.begin(), info.ways.end());
  info.ways.erase(std::unique(info.ways.begin(), info.ways.end()), info.ways.end());
  return number(std::move(info));
}

GrammarMatcher::State GrammarMatcher::forget(State keep) {
  GrammarMatcher fresh(grammar_);
  Info kept = states_[keep];
  std::vector<std::uint32_t> renumbered(stacks_.size());  // 0: not yet. Stacks share what lies below
  for (Way& way : kept.ways) {
    std::vector<std::uint32_t> above;  // top first
    std::uint32_t stack = way.stack;
    for (; stack != 0 && renumbered[stack] == 0; stack = stacks_[stack].below) above.push_back(stack);
    way.stack = renumbered[stack];
    for (auto at = above.rbegin(); at != above.rend(); ++at)
      way.stack = renumbered[*at] = fresh.push({stacks_[*at].place, way.stack, stacks_[*at].count});
  }
  std::sort(kept.ways.begin(), kept.ways.end());
  const State state = fresh.number(std::move(kept));
  *this = std::move(fresh);
  return state;
}

}  // namespace longhand
