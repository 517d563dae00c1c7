#include "cli/embed/text_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/terminal/text_file.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

std::string text_member(std::string_view line, const std::string& path, int number) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
    throw Error(Errc::type, fmt::format("{}: line {} must be a JSON object with a member \"text\", a string",
                                        path == "-" ? "stdin" : path, number));
  return json["text"].get<std::string>();
}

}  // namespace

std::vector<std::string> read_texts(const std::string& path, bool jsonl) {
  const std::string all = read_plain_text(path);
  std::vector<std::string> texts;
  std::string_view rest = all;
  for (int number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    texts.push_back(jsonl ? text_member(line, path, number) : std::string(line));
  }
  return texts;
}

}  // namespace longhand::cli
