#include "engine/chat/answer_tokens.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace longhand {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Bytes [begin, end) of a text.
struct Range {
  std::size_t begin = 0, end = 0;
  std::size_t size() const noexcept { return end - begin; }
};

// The range without white space at its ends.
Range trimmed(std::string_view text, Range r) {
  while (r.begin < r.end && kSpace.find(text[r.begin]) != std::string_view::npos) ++r.begin;
  while (r.begin < r.end && kSpace.find(text[r.end - 1]) != std::string_view::npos) --r.end;
  return r;
}

std::string_view part(std::string_view text, Range r) { return text.substr(r.begin, r.size()); }
std::string_view trimmed(std::string_view text) { return part(text, trimmed(text, {0, text.size()})); }

bool continues_character(std::string_view text, std::size_t at) {
  return at < text.size() && (std::uint8_t(text[at]) & 0xC0) == 0x80;
}

// The text of an answer's tokens, and where each ends in it.
struct Spelled {
  std::string text;
  std::vector<std::size_t> ends;
  Range inner;  // without white space around it
};

Spelled spell(std::span<const Token> tokens, const std::function<std::string(Token)>& text_of) {
  Spelled out;
  for (const Token token : tokens) {
    out.text += text_of(token);
    out.ends.push_back(out.text.size());
  }
  out.inner = trimmed(out.text, {0, out.text.size()});
  return out;
}

// The white space that stood before the answer, where the prompt's text before it is the one it answered.
std::string space_before(std::string_view text, const AnswerTokens& answer) {
  const std::string_view then = answer.prompt_end;
  const Range words = trimmed(then, {0, then.size()}), now = trimmed(text, {0, text.size()});
  if (part(text, {0, now.end}).ends_with(then.substr(0, words.end)))
    return std::string(then.substr(words.end));
  return std::string(text.substr(now.end));
}

class Finder {
 public:
  Finder(std::span<const PromptPiece> pieces, const std::function<std::string(Token)>& text_of)
      : text_(prompt_text(pieces)), text_of_(text_of) {
    std::size_t at = 0;
    for (const PromptPiece& piece : pieces) {
      const Range inner = trimmed(text_, {at, at + piece.text.size()});
      at += piece.text.size();
      if (!piece.trusted && inner.size() > 0) said_.push_back(inner);
    }
  }

  /// Goes behind what the user said. The text of a system that has no place of its own may come before the
  /// first.
  void pass_user(std::string_view user, bool first) {
    user = trimmed(user);
    for (std::size_t i = next_; i < said_.size() && !user.empty(); ++i) {
      const std::string_view words = part(text_, said_[i]);
      if (words == user || (first && words.ends_with(user))) {
        next_ = i + 1;
        return;
      }
    }
  }

  /// Goes behind an answer; nothing where it, or its tokens, are not there.
  std::optional<KnownStretch> pass_answer(std::string_view words, const AnswerTokens& answer) {
    words = trimmed(words);
    for (std::size_t i = next_; i < said_.size() && !words.empty(); ++i) {
      if (part(text_, said_[i]) != words) continue;
      next_ = i + 1;
      const Spelled spelled = spell(answer.tokens, text_of_);
      if (auto all = all_of(said_[i], answer, spelled)) return all;
      if (auto last = last_of(said_[i], answer, spelled)) return last;
      return first_of(said_[i], answer, spelled);
    }
    return std::nullopt;
  }

 private:
  // All tokens, also those of reasoning that the prompt shows.
  std::optional<KnownStretch> all_of(Range place, const AnswerTokens& answer, const Spelled& spelled) const {
    const std::string_view words = part(spelled.text, spelled.inner);
    if (words.empty() || !std::string_view(text_).substr(0, place.end).ends_with(words)) return std::nullopt;
    return stretch({place.end - words.size(), place.end}, answer, answer.tokens.size());
  }

  // The tokens behind reasoning that the prompt leaves out.
  std::optional<KnownStretch> last_of(Range place, const AnswerTokens& answer, const Spelled& spelled) const {
    if (place.size() >= spelled.inner.end) return std::nullopt;
    const std::size_t begin = spelled.inner.end - place.size();
    const auto before = std::ranges::find(spelled.ends, begin);
    if (before == spelled.ends.end() || spelled.text.compare(begin, place.size(), part(text_, place)) != 0)
      return std::nullopt;
    const auto skipped = std::size_t(before - spelled.ends.begin()) + 1;
    const std::size_t space = trimmed(text_, {0, place.begin}).end;
    return KnownStretch{place.begin, place.end, std::span(answer.tokens).subspan(skipped),
                        text_.substr(space, place.begin - space)};
  }

  // As many tokens from the first as agree: those of a stop string are not part of the answer.
  std::optional<KnownStretch> first_of(Range place, const AnswerTokens& answer,
                                       const Spelled& spelled) const {
    const std::string_view words = part(spelled.text, spelled.inner), there = part(text_, place);
    const auto same = std::size_t(std::ranges::mismatch(words, there).in1 - words.begin());
    std::size_t count = 0, size = 0;
    for (const std::size_t end : spelled.ends) {
      if (end > spelled.inner.begin + same) break;
      ++count;
      size = end - std::min(end, spelled.inner.begin);
    }
    if (size == 0 || continues_character(there, size)) return std::nullopt;
    return stretch({place.begin, place.begin + size}, answer, count);
  }

  KnownStretch stretch(Range place, const AnswerTokens& answer, std::size_t count) const {
    return {place.begin, place.end, std::span(answer.tokens).first(count),
            space_before(std::string_view(text_).substr(0, place.begin), answer)};
  }

  std::string text_;
  const std::function<std::string(Token)>& text_of_;
  std::vector<Range> said_;  // what users and models wrote
  std::size_t next_ = 0;
};

// Bytes [begin, end) of the pieces' text.
std::vector<PromptPiece> between(std::span<const PromptPiece> pieces, Range range) {
  std::vector<PromptPiece> out;
  std::size_t at = 0;
  for (const PromptPiece& piece : pieces) {
    const std::size_t from = std::clamp(range.begin, at, at + piece.text.size()) - at;
    const std::size_t to = std::clamp(range.end, at, at + piece.text.size()) - at;
    if (from < to) out.push_back({piece.text.substr(from, to - from), piece.trusted});
    at += piece.text.size();
  }
  return out;
}

}  // namespace

std::vector<KnownStretch> find_answers(std::span<const PromptPiece> pieces, std::span<const ChatTurn> turns,
                                       std::span<const AnswerTokens> answers,
                                       const std::function<std::string(Token)>& text_of) {
  std::vector<KnownStretch> known;
  Finder finder(pieces, text_of);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    finder.pass_user(turns[i].user, i == 0);
    if (!turns[i].answered) continue;
    if (const auto found = finder.pass_answer(turns[i].answer, answers[i])) known.push_back(*found);
  }
  return known;
}

std::vector<Token> encode_with(const PromptEncoder& encoder, std::span<const PromptPiece> pieces,
                               std::span<const KnownStretch> known) {
  const std::string text = prompt_text(pieces);
  std::vector<Token> out;
  std::size_t at = 0;
  const auto add = [&](std::span<const PromptPiece> some) {
    const std::vector<Token> more = encoder.encode(some, at == 0);
    out.insert(out.end(), more.begin(), more.end());
  };
  for (const KnownStretch& stretch : known) {
    const Range before{at, std::max(at, trimmed(text, {0, stretch.begin}).end)};
    std::vector<PromptPiece> some = between(pieces, before);
    some.push_back({stretch.space, true});
    add(some);
    out.insert(out.end(), stretch.tokens.begin(), stretch.tokens.end());
    at = stretch.end;
  }
  add(between(pieces, {at, text.size()}));
  return out;
}

}  // namespace longhand
