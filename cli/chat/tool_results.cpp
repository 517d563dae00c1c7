#include "cli/chat/tool_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal/output_filter.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// What a program says: which call, by its number, and the result.
std::pair<std::size_t, std::string> read_result(const std::string& line, std::span<const ToolCall> calls,
                                                std::size_t next) {
  const Json given = Json::parse(line, nullptr, false);
  if (!given.is_object() || !given.contains("content"))
    throw Error(Errc::type, "the result of a call must be a line {\"tool_call_id\": ..., \"content\": ...}");
  std::size_t which = next;
  if (const auto named = given.find("tool_call_id"); named != given.end()) {
    const std::string id = named->is_string() ? named->get<std::string>() : named->dump();
    which = std::size_t(std::ranges::find(calls, id, &ToolCall::id) - calls.begin());
    if (which == calls.size())
      throw Error(Errc::range, fmt::format("the result is of no call \"{}\"", escape_controls(id, 60)));
  }
  const Json& content = given["content"];
  return {which, content.is_string() ? content.get<std::string>() : content.dump()};
}

}  // namespace

std::optional<std::vector<std::string>> take_results(std::span<const ToolCall> calls, LineInput& input,
                                                     bool json) {
  std::vector<std::optional<std::string>> results(calls.size());
  for (std::size_t given = 0; given < calls.size(); ++given) {
    const auto next =
        std::size_t(std::ranges::find_if(results, [](const auto& r) { return !r; }) - results.begin());
    const InputLine line = input.next(make_visible(calls[next].name) + " gives: ");
    if (line.event != InputEvent::line) return std::nullopt;
    if (!json) {
      results[next] = line.text;
      continue;
    }
    auto [which, content] = read_result(line.text, calls, next);
    results[which] = std::move(content);
  }
  std::vector<std::string> all;
  for (std::optional<std::string>& result : results) all.push_back(std::move(result).value_or(""));
  return all;
}

}  // namespace longhand::cli
