#include "engine/text/regex.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

namespace longhand {
namespace {

using Op = RegexProgram::Op;
// Places in the program, most preferred first: what a backtracking engine would try in turn.
using Threads = std::vector<std::uint32_t>;

// Advances all threads over one character (or the end of the text) at once.
class Stepper {
 public:
  explicit Stepper(const RegexProgram& program) : program_(program), seen_(program.steps.size()) {}

  // `members`: bit s is set if the character is in set s.
  std::pair<Threads, bool> advance(const Threads& threads, std::uint64_t members, bool at_end) {
    seen_.assign(seen_.size(), false);
    Threads next;
    stack_.assign(threads.rbegin(), threads.rend());
    while (!stack_.empty()) {
      const std::uint32_t place = stack_.back();
      stack_.pop_back();
      if (seen_[place]) continue;
      seen_[place] = true;
      const RegexProgram::Step& step = program_.steps[place];
      const bool member = (members >> step.arg & 1) != 0;
      // A match ends here; whatever is less preferred than it no longer counts.
      if (step.op == Op::match) return {std::move(next), true};
      if (step.op == Op::take && member && std::ranges::find(next, step.next) == next.end())
        next.push_back(step.next);
      if (step.op == Op::fork) stack_.push_back(step.other);
      if (step.op == Op::fork || (step.op == Op::refuse && !member) || (step.op == Op::at_end && at_end)) {
        stack_.push_back(step.next);
      }
    }
    return {std::move(next), false};
  }

 private:
  const RegexProgram& program_;
  std::vector<bool> seen_;
  Threads stack_;
};

}  // namespace

Regex::Regex(std::string_view pattern) {
  const RegexProgram program = parse_regex(pattern);
  std::vector<std::uint64_t> members;
  number_classes(program, members);
  build_states(program, members);
}

// Characters that no set of the program tells apart form one class.
void Regex::number_classes(const RegexProgram& program, std::vector<std::uint64_t>& members) {
  if (program.sets.size() > 64) throw std::invalid_argument("regex with more than 64 character classes");
  std::map<std::uint32_t, std::uint64_t> flips;  // code point -> sets that begin or end there
  flips[0] = 0;
  for (std::size_t s = 0; s < program.sets.size(); ++s) {
    for (const CodeRange& range : program.sets[s].ranges()) {
      flips[range.first] ^= std::uint64_t{1} << s;
      flips[range.last + 1] ^= std::uint64_t{1} << s;
    }
  }
  std::map<std::uint64_t, std::uint8_t> class_numbers;
  std::map<std::vector<std::uint8_t>, std::uint16_t> page_numbers;
  std::vector<std::uint8_t> page(kPage);
  std::uint64_t current = 0;
  std::uint8_t number = 0;
  auto flip = flips.begin();
  for (std::uint32_t code = 0; code <= kLastCodePoint; ++code) {
    if (flip != flips.end() && flip->first == code) {
      current ^= flip->second;
      ++flip;
      const auto [entry, added] = class_numbers.try_emplace(current, std::uint8_t(members.size()));
      if (added) members.push_back(current);
      if (members.size() > 250) throw std::invalid_argument("regex with too many kinds of characters");
      number = entry->second;
    }
    page[code % kPage] = number;
    if (code < ascii_.size()) ascii_[code] = number;
    if (code % kPage != kPage - 1) continue;
    const auto [entry, added] = page_numbers.try_emplace(page, std::uint16_t(page_numbers.size()));
    if (added) pages_.insert(pages_.end(), page.begin(), page.end());
    page_of_.push_back(entry->second);
  }
  classes_ = members.size();
}

void Regex::build_states(const RegexProgram& program, const std::vector<std::uint64_t>& members) {
  Stepper stepper(program);
  std::map<Threads, State> numbers{{Threads{}, kDead}, {Threads{program.start}, kStart}};
  std::vector<Threads> states{{}, {program.start}};
  for (State s = 0; s < states.size(); ++s) {
    if (s > 20000) throw std::invalid_argument("regex with too many states");
    for (std::size_t c = 0; c <= classes_; ++c) {
      const bool at_end = c == classes_;
      auto [threads, matched] = stepper.advance(states[s], at_end ? 0 : members[c], at_end);
      const auto [entry, added] = numbers.try_emplace(threads, static_cast<State>(states.size()));
      if (added) states.push_back(std::move(threads));
      table_.push_back(entry->second * 2 + (matched ? 1 : 0));
    }
  }
}

std::size_t Regex::match_end(std::string_view text, std::size_t at, DeadEnd& dead_end) const noexcept {
  const std::size_t width = classes_ + 1;
  std::size_t end = at;
  State state = kStart;
  std::size_t in_state_since = at;  // in `state` and without a match since this position
  for (std::size_t pos = at;;) {
    if (state == dead_end.state && pos >= dead_end.from && pos <= dead_end.to) return end;
    const bool more = pos < text.size();
    const Decoded c = more ? decode_utf8(text, pos) : Decoded{};
    const std::uint32_t entry = table_[state * width + (more ? class_of(c.code) : classes_)];
    const bool matched = (entry & 1) != 0;
    if (matched) end = pos;
    if (!more || entry < 2) {
      if (!matched) dead_end = {state, in_state_since, pos};
      return end;
    }
    pos += c.length;
    if (matched || entry / 2 != state) in_state_since = pos;
    state = entry / 2;
  }
}

}  // namespace longhand
