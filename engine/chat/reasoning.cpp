#include "engine/chat/reasoning.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/text/marker_start.h"

namespace longhand {
namespace {

// More telling ones first: a template may mention "<think>" only to cut it out of old answers.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPairs = {{
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<|inner_prefix|>", "<|inner_suffix|>"},
    {"<|channel>thought", "<channel|>"},
    {"<seed:think>", "</seed:think>"},
    {"[THINK]", "[/THINK]"},
    {"<think>", "</think>"},
    {"<thought>", "</thought>"},
    {"<reasoning>", "</reasoning>"},
    {"\xE2\x97\x81think\xE2\x96\xB7", "\xE2\x97\x81/think\xE2\x96\xB7"},  // U+25C1 think U+25B7
}};

// The channel form: <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>final<|message|>...
enum ChannelMarker : std::size_t { kChannel, kMessage, kEnd, kStart, kReturn, kCall };
constexpr std::array<std::string_view, 6> kChannelMarkers = {"<|channel|>", "<|message|>", "<|end|>",
                                                             "<|start|>",   "<|return|>",  "<|call|>"};
enum PairMarker : std::size_t { kOpen, kClose };

}  // namespace

ReasoningStyle find_reasoning_style(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("<|channel|>") && has("<|message|>")) return {ReasoningStyle::Form::channels, "", ""};
  for (const auto& [open, close] : kPairs) {
    if (has(open) || has(close)) return {ReasoningStyle::Form::pair, std::string(open), std::string(close)};
  }
  return {};
}

std::vector<std::string> ReasoningStyle::markers() const {
  if (form == Form::pair) return {open, close};
  if (form == Form::channels) return {kChannelMarkers.begin(), kChannelMarkers.end()};
  return {};
}

std::vector<Token> marker_tokens(const ReasoningStyle& style, const Tokenizer& tokenizer) {
  std::vector<Token> out;
  for (const std::string& marker : style.markers()) {
    // A marker may be more than a token: "<|channel>" and "thought".
    for (const Token token : tokenizer.encode(marker, {.add_special = false, .parse_special = true})) {
      const TokenType type = tokenizer.vocab().types[std::size_t(token)];
      if (type == TokenType::control && std::ranges::find(out, token) == out.end()) out.push_back(token);
    }
  }
  return out;
}

ReasoningSplitter::ReasoningSplitter(ReasoningStyle style, bool inside, bool in_header)
    : style_(std::move(style)), markers_(style_.markers()) {
  if (inside && style_.form == ReasoningStyle::Form::pair) kind_ = ReasoningSpan::Kind::reasoning;
  header_ = maybe_header_ = in_header && style_.form == ReasoningStyle::Form::channels;
}

std::optional<ReasoningSplitter::Hit> ReasoningSplitter::next_marker() const {
  std::optional<Hit> first;
  for (std::size_t i = 0; i < markers_.size(); ++i) {
    const std::size_t at = held_.find(markers_[i]);
    if (at != std::string::npos && (!first || at < first->at)) first = Hit{at, i};
  }
  return first;
}

// Length of the longest end of what is held that may become a marker.
std::size_t ReasoningSplitter::held_back() const {
  std::size_t longest = 0;
  for (const std::string& marker : markers_) longest = marker_start(held_, marker, longest);
  return longest;
}

void ReasoningSplitter::apply(std::size_t marker, std::vector<ReasoningSpan>& out) {
  after_marker_ = true;
  if (style_.form == ReasoningStyle::Form::pair) {
    kind_ = marker == kOpen ? ReasoningSpan::Kind::reasoning : ReasoningSpan::Kind::answer;
    return;
  }
  maybe_header_ = false;
  switch (marker) {
    case kChannel:
      if (!header_) heading_.clear();
      heading_ += kChannelMarkers[kChannel];
      header_ = true;
      channel_.clear();
      break;
    case kMessage:
      end_header(out);
      break;
    case kStart:
      header_ = true;  // a role follows, then a channel or the message
      channel_.clear();
      heading_.clear();
      break;
    default:
      header_ = false;
      if (kind_ == ReasoningSpan::Kind::call) kind_ = ReasoningSpan::Kind::answer;
  }
}

void ReasoningSplitter::end_header(std::vector<ReasoningSpan>& out) {
  header_ = false;
  const std::size_t call = heading_.find("to=functions.");
  if (call != std::string::npos) {
    kind_ = ReasoningSpan::Kind::call;
    out.push_back({kind_, heading_.substr(call) + std::string(kChannelMarkers[kMessage])});
  } else {
    // Everything but the final channel is the model talking to itself.
    const bool final_channel = channel_.empty() || channel_.starts_with("final");
    kind_ = final_channel ? ReasoningSpan::Kind::answer : ReasoningSpan::Kind::reasoning;
  }
  heading_.clear();
}

// What was taken for a header is the answer itself.
void ReasoningSplitter::no_header(std::vector<ReasoningSpan>& out) {
  header_ = maybe_header_ = after_marker_ = false;
  add(out, std::exchange(heading_, {}));
}

void ReasoningSplitter::add(std::vector<ReasoningSpan>& out, std::string_view text) const {
  if (!out.empty() && out.back().kind == kind_) {
    out.back().text += text;
  } else if (!text.empty()) {
    out.push_back({kind_, std::string(text)});
  }
}

void ReasoningSplitter::emit(std::vector<ReasoningSpan>& out, std::string_view text) {
  constexpr std::size_t kLongHeader = 96;  // bytes; beyond that it is none
  if (header_) {
    channel_ += text;
    heading_ += text;
    if (maybe_header_ && heading_.size() > kLongHeader) no_header(out);
    return;
  }
  if (after_marker_) {
    text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
    if (text.empty()) return;
    after_marker_ = false;
  }
  add(out, text);
}

std::vector<ReasoningSpan> ReasoningSplitter::push(std::string_view text) {
  std::vector<ReasoningSpan> out;
  held_ += text;
  while (const auto hit = next_marker()) {
    emit(out, std::string_view(held_).substr(0, hit->at));
    held_.erase(0, hit->at + markers_[hit->marker].size());
    apply(hit->marker, out);
  }
  const std::size_t ready = held_.size() - held_back();
  emit(out, std::string_view(held_).substr(0, ready));
  held_.erase(0, ready);
  return out;
}

std::vector<ReasoningSpan> ReasoningSplitter::finish() {
  std::vector<ReasoningSpan> out;
  emit(out, held_);
  held_.clear();
  if (maybe_header_) no_header(out);
  return out;
}

}  // namespace longhand
