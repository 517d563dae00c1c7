#include "cli/token_ids.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "cli/terminal/output.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// The range of the vocabulary is checked by who uses the ids; here only that the number survives the
// conversion.
Token to_token(const nlohmann::json& id, const std::string& path) {
  if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<Token>::max()) {
    throw Error(Errc::range, fmt::format("{}: {} is no token id", path, id.dump(-1, ' ', true)));
  }
  return id.get<Token>();
}

}  // namespace

std::vector<Token> read_token_ids(const std::string& path) {
  const auto json = nlohmann::json::parse(read_text(path), nullptr, false);
  const bool wrapped = json.is_object() && json.contains("ids");
  const nlohmann::json& ids = wrapped ? json["ids"] : json;
  if (!ids.is_array())
    throw Error(Errc::type, fmt::format("{}: must be [ids] or {{\"ids\": [ids]}} in JSON", path));
  std::vector<Token> tokens;
  tokens.reserve(ids.size());
  for (const auto& id : ids) tokens.push_back(to_token(id, path));
  return tokens;
}

}  // namespace longhand::cli
