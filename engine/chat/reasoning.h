// Telling a model's reasoning from its answer while the text streams in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"

namespace longhand {

/// How a model marks its reasoning.
struct ReasoningStyle {
  enum class Form { none, pair, channels } form = Form::none;
  std::string open, close;  // pair: "<think>" and "</think>"

  std::vector<std::string> markers() const;
};

/// Recognises the style from the text of a chat template.
ReasoningStyle find_reasoning_style(std::string_view template_text);

/// The control tokens that the markers are made of, in no order: a stream shows the markers only if these are
/// written out in it.
std::vector<Token> marker_tokens(const ReasoningStyle& style, const Tokenizer& tokenizer);

struct ReasoningSpan {
  /// call: "to=functions.NAME", what else a channel's header says, its end, and the message to that function.
  enum class Kind { answer, reasoning, call } kind = Kind::answer;
  std::string text;
  bool operator==(const ReasoningSpan&) const = default;
};

/// Splits streamed text. Markers are dropped, also when they arrive in pieces, and so are line breaks
/// next to them.
class ReasoningSplitter {
 public:
  /// `inside`: the prompt already opened the reasoning, so that the stream begins in it. `in_header`: it ends
  /// where the header of a channel may go on, for that form.
  explicit ReasoningSplitter(ReasoningStyle style, bool inside = false, bool in_header = false);

  /// Whether what comes next is reasoning.
  bool inside() const noexcept { return kind_ == ReasoningSpan::Kind::reasoning; }
  /// Whether text is held back, or dropped, that belongs to a marker.
  bool holds() const noexcept { return !held_.empty() || header_; }
  std::vector<ReasoningSpan> push(std::string_view text);
  /// What was held back as the possible beginning of a marker.
  std::vector<ReasoningSpan> finish();

 private:
  struct Hit {
    std::size_t at, marker;
  };
  std::optional<Hit> next_marker() const;
  void apply(std::size_t marker, std::vector<ReasoningSpan>& out);
  void end_header(std::vector<ReasoningSpan>& out);
  void no_header(std::vector<ReasoningSpan>& out);
  void add(std::vector<ReasoningSpan>& out, std::string_view text) const;
  void emit(std::vector<ReasoningSpan>& out, std::string_view text);
  std::size_t held_back() const;

  ReasoningStyle style_;
  std::vector<std::string> markers_;
  ReasoningSpan::Kind kind_ = ReasoningSpan::Kind::answer;
  bool header_ = false;        // channels: between "<|channel|>" and "<|message|>"
  bool after_marker_ = true;   // line breaks are dropped
  bool maybe_header_ = false;  // the answer began in what may be no header
  std::string channel_;
  std::string heading_;  // all of a header
  std::string held_;
};

}  // namespace longhand
