#include "engine/text/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/text/unicode.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
// Bytes of a sequence that is replaced, and of its replacement. In real maps neither has more than some
// forty. A trie that leads back to itself would match texts of any length, and at each of their bytes anew.
constexpr std::size_t kMaxSequence = 256;
constexpr double kImpossible = -std::numeric_limits<double>::infinity();

std::uint32_t load_u32(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

[[noreturn]] void corrupt(std::string_view what) {
  throw Error(Errc::corrupt, fmt::format("tokenizer.ggml.precompiled_charsmap: {}", what));
}

// log(exp(a) + exp(b))
double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kImpossible ? a : a + std::log1p(std::exp(b - a));
}

}  // namespace

// The blob: size of the trie in bytes, its nodes, then replacements that end in NUL.
CharsMap::CharsMap(std::span<const std::byte> blob) {
  if (blob.empty()) return;
  absent_ = false;
  if (blob.size() < 4) corrupt(fmt::format("{} bytes, too short for its header", blob.size()));
  const std::size_t size = load_u32(blob);
  if (size > blob.size() - 4 || size % 4 != 0) {
    corrupt(fmt::format("a trie of {} bytes in a blob of {}", size, blob.size()));
  }
  nodes_ = blob.subspan(4, size);
  const auto rest = blob.subspan(4 + size);
  replacements_ = {reinterpret_cast<const char*>(rest.data()), rest.size()};
}

std::uint32_t CharsMap::node(std::size_t index) const {
  if (index >= nodes_.size() / 4) corrupt(fmt::format("node {} of {}", index, nodes_.size() / 4));
  return load_u32(nodes_.subspan(index * 4, 4));
}

CharsMap::Match CharsMap::longest(std::string_view text) const {
  Match match;
  if (absent_) return match;
  // A unit: bits 0-7 and 31 the label, 8 "has a value", 9 "offset is in units of 256", 10-30 offset
  // to the children.
  const auto offset = [](std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); };
  std::size_t index = offset(node(0)), value_at = 0;
  for (std::size_t i = 0; i < std::min(text.size(), kMaxSequence); ++i) {
    const auto byte = std::uint8_t(text[i]);
    if (byte == 0) break;
    index ^= byte;
    const std::uint32_t unit = node(index);
    if ((unit & (1u << 31 | 0xFF)) != byte) break;
    index ^= offset(unit);
    if ((unit >> 8 & 1) == 0) continue;
    match.length = i + 1;
    value_at = index;
  }
  if (match.length != 0) match.replacement = replacement(node(value_at) & ~(1u << 31));
  return match;
}

std::string_view CharsMap::replacement(std::size_t at) const {
  if (at >= replacements_.size()) {
    corrupt(fmt::format("replacement at {} of {} bytes", at, replacements_.size()));
  }
  const std::string_view rest = replacements_.substr(at, kMaxSequence + 1);
  const std::size_t size = rest.find('\0');
  if (size == std::string_view::npos) {
    corrupt(fmt::format("the replacement at byte {} does not end within {} bytes", at, kMaxSequence));
  }
  return rest.substr(0, size);
}

Unigram::Unigram(const Vocab& vocab)
    : chars_(vocab.charsmap),
      unknown_(vocab.unk),
      space_prefix_(vocab.add_space_prefix),
      collapse_spaces_(vocab.remove_extra_whitespaces) {
  std::vector<PrefixIndex::Entry> entries, user_defined;
  double lowest = 0;
  bool any = false;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const PrefixIndex::Entry entry{vocab.tokens[i], Token(i)};
    const TokenType type = vocab.types[i];
    if (type == TokenType::normal) {
      lowest = any ? std::min<double>(lowest, vocab.scores[i]) : vocab.scores[i];
      any = true;
    }
    if (type == TokenType::user_defined) user_defined.push_back(entry);
    if (type == TokenType::normal || type == TokenType::user_defined || type == TokenType::unused) {
      entries.push_back(entry);
    }
  }
  constexpr double kUnknownPenalty = 10;  // SentencePiece's: an unknown character is worse than any token
  unknown_score_ = lowest - kUnknownPenalty;
  tokens_ = PrefixIndex(std::move(entries));
  user_defined_ = PrefixIndex(std::move(user_defined));
  for (const auto& entry : tokens_.entries()) {
    const auto i = std::size_t(entry.token);
    scores_.push_back(vocab.types[i] == TokenType::user_defined ? 0.0 : vocab.scores[i]);
  }
}

std::string Unigram::normalize(std::string_view text) const {
  std::string out;
  const auto spaces = std::size_t(std::ranges::count(text, ' '));
  out.reserve(text.size() + (spaces + 1) * kSpaceMark.size());
  bool in_word = false, in_text = false;
  const auto put = [&](char c) {
    if (c == ' ') {
      in_word = false;
      if (!collapse_spaces_) out += kSpaceMark;
      return;
    }
    // The first word has the prefix before it; of collapsed spaces one is left, and none around the text.
    if (!in_word && (in_text ? collapse_spaces_ : space_prefix_)) out += kSpaceMark;
    in_word = in_text = true;
    out += c;
  };
  while (!text.empty()) {
    std::size_t taken = 0;
    std::string_view piece;
    if (const auto user = user_defined_.longest_prefix(text); user != PrefixIndex::kNone) {
      piece = user_defined_.entries()[user].text;
      taken = piece.size();
    } else if (const CharsMap::Match match = chars_.longest(text); match.length != 0) {
      piece = match.replacement;
      taken = match.length;
    } else {
      const Decoded c = decode_utf8(text, 0);
      taken = c.length;
      piece = c.valid ? text.substr(0, taken) : std::string_view("\xEF\xBF\xBD");
    }
    for (const char c : piece) put(c);
    text.remove_prefix(taken);
  }
  return out;
}

template <class Visit>
void Unigram::for_each_edge(std::string_view text, Visit&& visit) const {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = decode_utf8(text, at).length;
    bool single = false;  // some token is exactly this character
    tokens_.for_each_prefix(text.substr(at), [&](std::uint32_t entry) {
      const std::size_t size = tokens_.entries()[entry].text.size();
      single |= size == length;
      visit(at, at + size, tokens_.entries()[entry].token, scores_[entry]);
    });
    if (!single) visit(at, at + length, unknown_, unknown_score_);
    at += length;
  }
}

namespace {

// Appends tokens in the order of the text; a row of unknown characters becomes one token.
class Joiner {
 public:
  Joiner(Token unknown, std::vector<Token>& out) : unknown_(unknown), out_(out) {}
  void add(Token token) {
    const bool repeats = std::exchange(after_unknown_, token == unknown_) && token == unknown_;
    if (!repeats && token != kNoToken) out_.push_back(token);
  }

 private:
  Token unknown_;
  std::vector<Token>& out_;
  bool after_unknown_ = false;
};

}  // namespace

// The best way to each place of a window of the text. What all ways that may still win have in common is
// certain and leaves the window, which so stays short.
class Unigram::BestPath {
 public:
  BestPath(Token unknown, std::vector<Token>& out) : joiner_(unknown, out), best_{0}, steps_(1) {}

  /// An edge from a place not before those of earlier edges.
  void add(std::size_t begin, std::size_t end, Token token, double score) {
    if (begin - base_ >= limit_) settle(begin);
    if (end - base_ >= best_.size()) {
      best_.resize(end - base_ + 1, kImpossible);
      steps_.resize(best_.size());
    }
    const double whole = best_[begin - base_] + score;
    if (whole > best_[end - base_]) {
      best_[end - base_] = whole;
      steps_[end - base_] = {token, begin};
    }
  }

  void finish() { emit(best_.size() - 1); }

 private:
  static constexpr std::size_t kWindow = std::size_t{1} << 14;

  // All edges from places before `at` are known: follow the ways to `at` and beyond back to where they meet.
  void settle(std::size_t at) {
    std::vector<bool> on_way(best_.size());
    std::size_t ways = 0;
    for (std::size_t i = at - base_; i < best_.size(); ++i) {
      on_way[i] = best_[i] != kImpossible;
      if (on_way[i]) ++ways;
    }
    std::size_t place = best_.size() - 1;
    for (; ways > 1 || !on_way[place]; --place) {
      if (!on_way[place]) continue;
      const std::size_t before = steps_[place].begin - base_;
      if (on_way[before]) --ways;
      on_way[before] = true;
    }
    emit(place);
    limit_ = std::max(kWindow, 2 * (at - base_));
  }

  // The way to `place` is certain; the window begins there from now on.
  void emit(std::size_t place) {
    way_.clear();
    for (std::size_t i = place; i > 0; i = steps_[i].begin - base_) way_.push_back(steps_[i].token);
    for (auto token = way_.rbegin(); token != way_.rend(); ++token) joiner_.add(*token);
    best_.erase(best_.begin(), best_.begin() + std::ptrdiff_t(place));
    steps_.erase(steps_.begin(), steps_.begin() + std::ptrdiff_t(place));
    base_ += place;
  }

  Joiner joiner_;
  std::size_t base_ = 0;         // place in the text of the first element
  std::size_t limit_ = kWindow;  // places to collect before looking for what is certain
  std::vector<double> best_;     // log of the weight of the best way
  std::vector<Step> steps_;      // its last token
  std::vector<Token> way_;
};

void Unigram::encode(std::string_view text, bool, std::vector<Token>& out) const {
  const std::string normal = normalize(text);
  BestPath path(unknown_, out);
  for_each_edge(normal, [&](std::size_t begin, std::size_t end, Token token, double score) {
    path.add(begin, end, token, score);
  });
  path.finish();
}

void Unigram::sample(std::string_view text, double alpha, std::mt19937_64& random,
                     std::vector<Token>& out) const {
  struct Edge {
    std::size_t begin, end;
    Token token;
    double log_weight;  // first of the edge, then of all paths through it up to its end
  };
  const std::string normal = normalize(text);
  // forward[i]: log of the total weight of all segmentations of the first i bytes.
  std::vector<double> forward(normal.size() + 1, kImpossible);
  forward[0] = 0;
  std::vector<Edge> edges;
  for_each_edge(normal, [&](std::size_t begin, std::size_t end, Token token, double score) {
    if (forward[begin] == kImpossible) return;
    const double weight = forward[begin] + alpha * score;
    forward[end] = log_add(forward[end], weight);
    edges.push_back({begin, end, token, weight});
  });
  std::ranges::stable_sort(edges, {}, &Edge::end);
  std::vector<Step> steps(normal.size() + 1);
  for (std::size_t at = normal.size(); at > 0; at = steps[at].begin) {
    auto edge = std::ranges::lower_bound(edges, at, {}, &Edge::end);
    double left = std::generate_canonical<double, 53>(random);
    for (; edge != edges.end() && edge->end == at && left >= 0; ++edge) {
      steps[at] = {edge->token, edge->begin};  // the last one stays if rounding leaves something over
      left -= std::exp(edge->log_weight - forward[at]);
    }
  }
  std::vector<Token> way;
  for (std::size_t at = normal.size(); at > 0; at = steps[at].begin) way.push_back(steps[at].token);
  Joiner joiner(unknown_, out);
  for (auto token = way.rbegin(); token != way.rend(); ++token) joiner.add(*token);
}

}  // namespace longhand
