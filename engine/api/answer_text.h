// The text of an answer on its way to who wants it: whole characters, without stop strings.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/tokenizer.h"

namespace longhand {

/// Releases text only once it can no longer turn out to be the start of a stop string.
class StopFilter {
 public:
  /// Empty ones stop nothing.
  explicit StopFilter(const std::vector<std::string>& stops);

  /// Text now certain to belong to the answer. After stopped() nothing more comes.
  std::string push(std::string_view text);
  std::string finish() { return std::exchange(held_, {}); }
  bool stopped() const noexcept { return stopped_; }
  const std::string& found() const noexcept { return found_; }  // what stopped it

 private:
  std::size_t longest_start() const;

  std::vector<std::string> stops_;
  std::string held_, found_;
  bool stopped_ = false;
};

class AnswerText {
 public:
  using OnText = std::function<bool(std::string_view)>;
  /// `on_text`, which may be empty, is told what is certain; false: it wants no more.
  AnswerText(const std::vector<std::string>& stops, OnText on_text)
      : filter_(stops), on_text_(std::move(on_text)) {}

  /// False when the text ends here.
  bool push(std::string_view bytes) {
    return release(filter_.push(characters_.push(bytes))) && !filter_.stopped();
  }
  void finish() {
    if (!filter_.stopped()) release(filter_.push(characters_.finish()));
    if (!filter_.stopped()) release(filter_.finish());
  }
  bool stopped() const noexcept { return filter_.stopped(); }
  const std::string& stop() const noexcept { return filter_.found(); }  // the text that ended the answer

  std::string text;  // so far

 private:
  bool release(const std::string& more) {
    text += more;
    if (more.empty() || !on_text_ || refused_) return !refused_;
    refused_ = !on_text_(more);
    return !refused_;
  }

  Utf8Stream characters_;
  StopFilter filter_;
  OnText on_text_;
  bool refused_ = false;  // the caller wants no more
};

}  // namespace longhand
