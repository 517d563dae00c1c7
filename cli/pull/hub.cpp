#include "cli/pull/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/lower_case.h"
#include "cli/models/model_places.h"
#include "cli/models/split_files.h"
#include "cli/pull/http.h"
#include "cli/pull/patience.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/output.h"
#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostAnswer = std::size_t{32} << 20;
// The best first, of what fits most machines.
constexpr std::string_view kUsual[] = {"Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "Q6_K", "Q8_0"};

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return std::isalnum(std::uint8_t(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 96 && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, allowed);
}

// A path that a stranger may choose: below where it is put.
bool stays_below(const std::string& path) {
  if (path.empty() || path.size() > 512 || path.starts_with('/')) return false;
  const bool visible = std::ranges::all_of(path, [](char c) { return std::uint8_t(c) >= 0x20 && c != 0x7f; });
  return visible && std::ranges::none_of(fs::path(path), [](const fs::path& part) {
           return part == ".." || part == "." || part.empty();
         });
}

// "q4_k_m" as a word of its own, so that Q4_K is not found in Q4_K_M.
bool has_quant(const std::string& file, const std::string& quant) {
  const std::string where = lower_case(file), what = lower_case(quant);
  const auto is_part = [](char c) { return std::isalnum(std::uint8_t(c)) != 0 || c == '_'; };
  for (auto at = where.find(what); at != std::string::npos; at = where.find(what, at + 1)) {
    const auto end = at + what.size();
    const bool begins = at == 0 || !is_part(where[at - 1]);
    if (begins && (end == where.size() || !is_part(where[end]))) return true;
  }
  return false;
}

// First parts and whole models; no projectors of images, and no data for quantising.
std::vector<std::string> models_among(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files) {
    const std::string name = lower_case(fs::path(file).filename().string());
    const bool other = name.find("mmproj") != std::string::npos || name.find("imatrix") != std::string::npos;
    if (name.ends_with(".gguf") && !other && !is_later_part(name)) out.push_back(file);
  }
  // Of several that fit the plainest name is meant: not "UD-Q4_K_M" where there is "Q4_K_M".
  std::ranges::sort(out, [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return out;
}

const std::string* with_quant(const std::vector<std::string>& models, std::string_view quant) {
  const auto found = std::ranges::find_if(
      models, [&](const std::string& file) { return has_quant(file, std::string(quant)); });
  return found == models.end() ? nullptr : &*found;
}

const std::string* chosen(const std::vector<std::string>& models, const HubName& name) {
  if (!name.file.empty()) {
    const auto found = std::ranges::find(models, name.file);
    return found == models.end() ? nullptr : &*found;
  }
  if (!name.quant.empty()) return with_quant(models, name.quant);
  for (const std::string_view quant : kUsual) {
    if (const std::string* found = with_quant(models, quant)) return found;
  }
  return models.empty() ? nullptr : &models.front();
}

[[noreturn]] void refuse(const HubName& name, const std::vector<std::string>& models) {
  if (models.empty()) throw Error(Errc::missing, fmt::format("{}: holds no GGUF file", name.repository));
  throw Error(Errc::missing,
              fmt::format("{}: has no '{}'; it has {}", name.repository,
                          name.file.empty() ? name.quant : name.file, fmt::join(models, ", ")));
}

// models--OWNER--REPO in the cache.
std::string folder_of(const HubName& name) {
  const std::string cache = hub_cache();
  if (cache.empty())
    throw Error(Errc::missing, "no folder is known to keep models in: neither HF_HUB_CACHE nor HOME is set");
  std::string folder = name.repository;
  folder.replace(folder.find('/'), 1, "--");
  return cache + "/models--" + folder;
}

struct HubFile {
  std::string sha256;
  std::int64_t bytes;
};

// Of the list a repository gives of its files those that have a checksum.
std::map<std::string, HubFile> files_in(const Json& answer) {
  std::map<std::string, HubFile> out;
  for (const Json& row : answer.at("siblings")) {
    const std::string name = row.at("rfilename");
    if (!row.contains("lfs") || row.at("lfs").is_null() || !stays_below(name)) continue;
    const std::string sum = row.at("lfs").at("sha256");
    const std::int64_t bytes = row.at("lfs").at("size");
    if (is_sha256(sum) && bytes >= 0) out.emplace(name, HubFile{sum, bytes});
  }
  return out;
}

PullPlan plan_of(const HubName& name, const Json& answer) {
  const std::map<std::string, HubFile> known = files_in(answer);
  const std::string commit = answer.at("sha"), folder = folder_of(name);
  if (!is_name(commit))
    throw Error(Errc::range, fmt::format("{}: '{}' is no commit", name.repository, commit));
  std::vector<std::string> names;
  for (const auto& [file, details] : known) names.push_back(file);
  PullPlan plan;
  plan.source = name.repository;
  const std::string snapshot = fmt::format("{}/snapshots/{}/", folder, commit);
  for (const std::string& file : choose_files(names, name)) {
    const HubFile& details = known.at(file);
    plan.files.push_back(
        {file, fmt::format("{}/{}/resolve/{}/{}", hub_endpoint(), name.repository, commit, url_path(file)),
         fmt::format("{}/blobs/{}", folder, details.sha256), details.sha256, details.bytes});
    std::string up = "../../";  // out of the snapshot
    for (const char c : file) up += c == '/' ? "../" : "";
    plan.entries.push_back({snapshot + file, up + "blobs/" + details.sha256, true});
  }
  plan.model = plan.entries.front().path;
  // The first part last: whoever finds it finds all.
  std::ranges::reverse(plan.entries);
  plan.entries.push_back({fmt::format("{}/refs/{}", folder, name.revision), commit});
  return plan;
}

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (fs::is_regular_file(entry->path(), error))
      out.push_back(entry->path().lexically_relative(folder).string());
  }
  return out;
}

}  // namespace

std::string hub_endpoint() { return server_of("HF_ENDPOINT", "https://huggingface.co"); }

HubName parse_hub_name(const std::string& given) {
  HubName name;
  std::string rest = given;
  if (const auto colon = rest.find(':'); colon != std::string::npos) {
    name.quant = rest.substr(colon + 1);
    rest.resize(colon);
    if (!is_name(name.quant))
      throw Error(Errc::range, fmt::format("hf:{}: '{}' is no quantisation", given, name.quant));
  }
  const auto slash = rest.find('/');
  const auto second = slash == std::string::npos ? slash : rest.find('/', slash + 1);
  if (second != std::string::npos) name.file = rest.substr(second + 1);
  name.repository = rest.substr(0, second);
  const bool named = slash != std::string::npos && is_name(rest.substr(0, slash)) &&
                     is_name(name.repository.substr(slash + 1)) &&
                     (name.file.empty() || stays_below(name.file));
  if (!named || (second != std::string::npos && name.file.empty()))
    throw Error(Errc::range,
                fmt::format("hf:{}: must be hf:OWNER/REPO, :QUANT or /FILE.gguf behind it", given));
  return name;
}

std::vector<std::string> choose_files(const std::vector<std::string>& files, const HubName& name) {
  const std::vector<std::string> models = models_among(files);
  const std::string* first = chosen(models, name);
  if (first == nullptr) refuse(name, models);
  const auto part = split_part(*first);
  if (!part) return {*first};
  std::vector<std::string> parts;
  for (int number = 1; number <= part->count; ++number) {
    parts.push_back(name_of_part(*part, number));
    if (std::ranges::find(files, parts.back()) == files.end())
      throw Error(Errc::missing, fmt::format("{}: {} is not there", name.repository, parts.back()));
  }
  return parts;
}

PullPlan plan_hub(const HubName& name) {
  const std::string token = environment("HF_TOKEN");
  const std::string denied =
      token.empty()
          ? "it is private, asks for consent on its page, or is not there; HF_TOKEN holds a token that may "
            "read it"
          : "it is private, asks for consent on its page, or is not there, for the token in HF_TOKEN";
  const std::string url = name.revision == "main"
                              ? fmt::format("{}/api/models/{}?blobs=true", hub_endpoint(), name.repository)
                              : fmt::format("{}/api/models/{}/revision/{}?blobs=true", hub_endpoint(),
                                            name.repository, url_path(name.revision));
  const std::string answer = get_text({url, token, {}, 0}, name.repository, denied, kMostAnswer);
  try {
    PullPlan plan = plan_of(name, Json::parse(answer));
    plan.token = token;
    plan.denied = denied;
    return plan;
  } catch (const Json::exception&) {
    throw Error(Errc::type,
                fmt::format("{}: what {} answers is no list of files", name.repository, host_of(url)));
  }
}

std::string find_in_hub_cache(const HubName& name) {
  if (hub_cache().empty()) return "";
  const fs::path folder = folder_of(name);
  try {
    std::string commit = read_text((folder / "refs" / name.revision).string());
    while (!commit.empty() && std::isspace(std::uint8_t(commit.back())) != 0) commit.pop_back();
    if (!is_name(commit)) return "";
    const fs::path snapshot = folder / "snapshots" / commit;
    return (snapshot / choose_files(files_below(snapshot), name).front()).string();
  } catch (const Error&) { return ""; }  // not there, or not all of it
}

}  // namespace longhand::cli
