#include "cli/serve/http/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/lower_case.h"

namespace longhand::cli {
namespace {

// Takes as long for every wrong key of the same length.
bool same_secret(const std::string& given, const std::string& key) {
  unsigned differs = given.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differs |= unsigned(std::uint8_t(given[i]) ^ std::uint8_t(key[key.empty() ? 0 : i % key.size()]));
  return differs == 0;
}

}  // namespace

std::string without_port(const std::string& host) {
  const std::size_t colon = host.rfind(':');
  const bool port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  return lower_case(port ? host.substr(0, colon) : host);
}

bool Gate::allows_origin(const std::string& origin) const {
  return std::ranges::any_of(options_.origins, [&](const std::string& o) { return o == "*" || o == origin; });
}

bool Gate::has_key(const HttpRequest& request) const {
  if (options_.keys.empty()) return true;
  constexpr std::string_view kBearer = "bearer ";
  const std::string authorization = request.header("Authorization");
  std::vector<std::string> given = {request.header("x-api-key")};
  if (lower_case(authorization.substr(0, kBearer.size())) == kBearer)
    given.push_back(authorization.substr(kBearer.size()));
  bool found = false;
  for (const std::string& key : options_.keys)
    for (const std::string& g : given) found = same_secret(g, key) || found;
  return found;
}

std::optional<Gate::Refusal> Gate::check(const HttpRequest& request, bool open) const {
  const std::string host = request.header("Host");
  if (!options_.hosts.empty() &&
      std::ranges::find(options_.hosts, without_port(host)) == options_.hosts.end())
    return Refusal{403, fmt::format("this server is not called '{}'", without_port(host))};
  const std::string origin = request.header("Origin");
  const std::size_t scheme = origin.find("://");
  const bool own = scheme != std::string::npos && lower_case(origin.substr(scheme + 3)) == lower_case(host);
  if (!origin.empty() && !own && !allows_origin(origin))
    return Refusal{403, fmt::format("pages of '{}' may not ask", origin)};
  if (open || request.method == "OPTIONS" || has_key(request)) return std::nullopt;
  return Refusal{401, "the API key is missing or wrong"};
}

std::vector<std::pair<std::string, std::string>> Gate::cross_origin(const HttpRequest& request) const {
  const std::string origin = request.header("Origin");
  if (origin.empty() || !allows_origin(origin)) return {};
  std::vector<std::pair<std::string, std::string>> headers = {{"Access-Control-Allow-Origin", origin},
                                                              {"Vary", "Origin"}};
  if (request.method != "OPTIONS") return headers;
  headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  std::string asked = request.header("Access-Control-Request-Headers");
  headers.emplace_back("Access-Control-Allow-Headers", asked.empty() ? "Authorization, Content-Type" : asked);
  headers.emplace_back("Access-Control-Max-Age", "86400");
  return headers;
}

}  // namespace longhand::cli
