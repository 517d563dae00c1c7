#include "engine/sampling/grammar/trigger_watch.h"

#include <algorithm>

namespace longhand {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

TriggerWatch::TriggerWatch(GrammarTrigger trigger) : trigger_(std::move(trigger)) {
  const auto count = [this](const std::string& marker) { longest_ = std::max(longest_, marker.size()); };
  for (const auto& start : trigger_.starts) count(start.text);
  for (const auto& quiet : trigger_.quiet) {
    count(quiet.open);
    for (const std::string& close : quiet.close) count(close);
  }
}

// The marker that comes first; of several at one place the longest.
TriggerWatch::Hit TriggerWatch::find(const State& state) const {
  Hit first;
  const auto look = [&](const std::string& marker, const GrammarTrigger::Start* start, int quiet) {
    const std::size_t at = marker.empty() ? std::string::npos : state.tail.find(marker);
    if (at == std::string::npos) return;
    if (start != nullptr && start->at_start &&
        !(state.blank && is_blank(std::string_view(state.tail).substr(0, at))))
      return;
    if (at < first.at || (at == first.at && marker.size() > first.size))
      first = {at, marker.size(), start, quiet};
  };
  if (state.quiet >= 0) {
    for (const std::string& close : trigger_.quiet[std::size_t(state.quiet)].close) look(close, nullptr, -1);
    return first;
  }
  for (const auto& start : trigger_.starts) look(start.text, &start, -1);
  for (std::size_t i = 0; i < trigger_.quiet.size(); ++i) look(trigger_.quiet[i].open, nullptr, int(i));
  return first;
}

std::optional<std::string> TriggerWatch::push(State& state, std::string_view text) const {
  state.tail += text;
  const auto drop = [&](std::size_t size, std::size_t said) {
    if (state.quiet < 0) state.blank = state.blank && is_blank(std::string_view(state.tail).substr(0, said));
    state.tail.erase(0, size);
  };
  for (Hit hit = find(state); hit.at != std::string::npos; hit = find(state)) {
    if (hit.start != nullptr) return hit.start->fed + state.tail.substr(hit.at + hit.size);
    drop(hit.at + hit.size, hit.at);
    state.quiet = hit.quiet;
  }
  if (state.tail.size() >= longest_) {
    const std::size_t more = state.tail.size() - (longest_ - 1);
    drop(more, more);
  }
  return std::nullopt;
}

}  // namespace longhand
