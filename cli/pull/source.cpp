#include "cli/pull/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

#include "cli/exit_status.h"
#include "cli/models/model_places.h"
#include "cli/models/split_files.h"
#include "cli/pull/http.h"
#include "cli/pull/hub.h"
#include "cli/pull/ollama_registry.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::string_view kHub = "hf:", kOllama = "ollama:";

bool is_url(const std::string& name) { return name.starts_with("https://") || name.starts_with("http://"); }

std::string without_query(const std::string& url) { return url.substr(0, url.find_first_of("?#")); }

// "%2B" and such.
std::string unquote(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() &&
                       std::isxdigit(std::uint8_t(text[i + 1])) != 0 &&
                       std::isxdigit(std::uint8_t(text[i + 2])) != 0;
    out += coded ? char(std::stoi(text.substr(i + 1, 2), nullptr, 16)) : text[i];
    if (coded) i += 2;
  }
  return out;
}

// The page or file of a repository, as one copies it from a browser: OWNER/REPO/blob/REVISION/FILE.
bool is_hub_url(const std::string& url, HubName& name) {
  const std::string host = host_of(url);
  if (host != host_of(hub_endpoint()) && host != "hf.co") return false;
  std::string rest = unquote(without_query(url));
  rest.erase(0, rest.find(host) + host.size());
  std::vector<std::string> parts;
  for (const auto& part : std::filesystem::path(rest)) {
    if (part != "/") parts.push_back(part.string());
  }
  if (parts.size() == 2) name = parse_hub_name(parts[0] + "/" + parts[1]);
  if (parts.size() == 2) return true;
  if (parts.size() < 5 || (parts[2] != "resolve" && parts[2] != "blob")) return false;
  std::string file;
  for (std::size_t i = 4; i < parts.size(); ++i) file += (i > 4 ? "/" : "") + parts[i];
  name = parse_hub_name(parts[0] + "/" + parts[1] + "/" + file);
  name.revision = parts[3];
  return true;
}

// Files of other servers lie by host and name.
std::string path_of(const std::string& url) {
  const std::string name = std::filesystem::path(unquote(without_query(url))).filename().string();
  if (!name.ends_with(".gguf") || name.starts_with('.'))
    throw UsageError(fmt::format("{}: must be the URL of a .gguf file", url));
  const std::string folder = downloaded_models();
  if (folder.empty())
    throw Error(Errc::missing, "no folder is known to keep models in: neither XDG_DATA_HOME nor HOME is set");
  return fmt::format("{}/{}/{}", folder, host_of(url), name);
}

// Of a split model all parts, at the URLs of their names.
PullPlan plan_url(const std::string& url, const std::string& sha256) {
  PullPlan plan;
  plan.source = url;
  plan.denied = "its server wants to know who asks";
  plan.model = path_of(url);
  const std::string plain = without_query(url), query = url.substr(plain.size());
  const auto part = split_part(plain);
  if (part && !sha256.empty())
    throw UsageError("--sha256 goes with a single file, and this is one of several");
  if (part && part->number != 1)
    throw UsageError(fmt::format("{}: is a later part of a split model; name the first", url));
  for (int number = part ? part->count : 1; number > 0;
       --number) {  // the first part last: whoever finds it finds all
    const std::string one = part ? name_of_part(*part, number) : plain;
    const std::string path = path_of(one);
    plan.files.push_back({std::filesystem::path(path).filename().string(), one + query, path, sha256, -1});
  }
  return plan;
}

}  // namespace

bool is_source(const std::string& name) {
  return name.starts_with(kHub) || name.starts_with(kOllama) || is_url(name);
}

PullPlan plan_source(const std::string& name, const std::string& sha256) {
  if (!is_source(name))
    throw UsageError(fmt::format("'{}' must be hf:OWNER/REPO[:QUANT], ollama:NAME[:TAG] or a URL", name));
  HubName hub;
  const bool url = is_url(name) && !is_hub_url(name, hub);
  if (url) return plan_url(name, sha256);
  if (!sha256.empty()) throw UsageError("--sha256 goes with a URL; here the source tells it");
  if (name.starts_with(kOllama)) return plan_ollama(name.substr(kOllama.size()));
  return plan_hub(name.starts_with(kHub) ? parse_hub_name(name.substr(kHub.size())) : hub);
}

std::string find_source(const std::string& name) {
  if (name.starts_with(kHub)) return find_in_hub_cache(parse_hub_name(name.substr(kHub.size())));
  if (name.starts_with(kOllama)) return find_in_ollama(name.substr(kOllama.size()));
  if (HubName hub; is_hub_url(name, hub)) return find_in_hub_cache(hub);
  const PullPlan plan = plan_url(name, "");
  return std::ranges::all_of(plan.files, is_there) ? plan.model : "";
}

std::string obtain_source(const std::string& name) {
  if (std::string path = find_source(name); !path.empty()) return path;
  const PullPlan plan = plan_source(name);
  carry_out(plan);
  return plan.model;
}

}  // namespace longhand::cli
