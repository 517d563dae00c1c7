#include "cli/serve/answers.h"

#include <utility>

namespace longhand::cli {
namespace {

// How soon a client that leaves is noticed, and how often one that waits hears that we are there.
constexpr std::chrono::milliseconds kGlance{50}, kQuiet{10'000};

}  // namespace

void Answers::Parts::add(AnswerPart part) {
  {
    const std::scoped_lock lock(mutex);
    waiting.push_back(std::move(part));
  }
  more.notify_one();
}

Answers::~Answers() { cancel(); }

void Answers::cancel() noexcept {
  for (const std::uint64_t number : numbers_) scheduler_.cancel(number);
}

void Answers::add(Request request) {
  const std::size_t index = numbers_.size();
  const bool steps = request.top_log_probabilities >= 0;
  const auto held = std::make_shared<std::vector<TokenStep>>();  // of tokens whose text is not certain yet
  numbers_.reserve(index + 1);
  RequestListener listener;
  listener.on_reading = [parts = parts_, index](const ReadingProgress& progress) {
    parts->add({.kind = AnswerPart::Kind::reading, .index = index, .progress = progress});
  };
  if (steps) {
    listener.on_token = [held](const TokenStep& step) {
      held->push_back(step);
      return true;
    };
  }
  listener.on_text = [parts = parts_, held, index](std::string_view text) {
    parts->add({.index = index, .text = std::string(text), .steps = std::exchange(*held, {})});
    return true;
  };
  listener.on_end = [parts = parts_, held, index](const RequestResult& result) {
    parts->add(
        {.kind = AnswerPart::Kind::end, .index = index, .steps = std::exchange(*held, {}), .result = result});
  };
  numbers_.push_back(scheduler_.submit(std::move(request), std::move(listener)));
  ++open_;
}

std::optional<AnswerPart> Answers::next(std::chrono::milliseconds time) {
  std::unique_lock lock(parts_->mutex);
  if (!parts_->more.wait_for(lock, time, [this] { return !parts_->waiting.empty(); })) return std::nullopt;
  AnswerPart part = std::move(parts_->waiting.front());
  parts_->waiting.pop_front();
  if (part.kind == AnswerPart::Kind::end) --open_;
  return part;
}

bool Answers::follow(const Follower& follower) {
  auto heard = std::chrono::steady_clock::now();
  while (!ended()) {
    std::optional<AnswerPart> part = next(kGlance);
    const auto now = std::chrono::steady_clock::now();
    const bool quiet = now - heard > kQuiet;
    if (part || quiet) heard = now;
    if (part ? !follower.take(*part) : quiet && follower.quiet && !follower.quiet()) break;
    if (!follower.alive()) break;
  }
  if (ended()) return true;
  cancel();
  return false;
}

}  // namespace longhand::cli
