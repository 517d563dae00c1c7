#include "loaders/safetensors/json_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "loaders/gguf/mapped_file.h"
#include "ops/error.h"

namespace longhand {
namespace {

using nlohmann::json;

constexpr int kMostNesting = 64;

// Watches a document as it is parsed.
class Watcher {
 public:
  explicit Watcher(const std::string& name) : name_(name) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMostNesting)
      throw Error(Errc::limit, fmt::format("{}: nested deeper than {}", name_, kMostNesting));
    if (event == json::parse_event_t::object_start) names_.emplace_back();
    if (event == json::parse_event_t::object_end) names_.pop_back();
    if (event == json::parse_event_t::key) see(parsed.get_ref<const std::string&>());
    return true;
  }

 private:
  void see(const std::string& key) {
    if (!names_.back().insert(key).second)
      throw Error(Errc::duplicate, fmt::format("{}: '{}' appears twice in one object", name_, key));
  }

  const std::string& name_;
  std::vector<std::unordered_set<std::string>> names_;  // of the objects that are open
};

}  // namespace

json parse_json_text(std::string_view text, const std::string& name) {
  Watcher watcher(name);
  try {
    return json::parse(text.begin(), text.end(), [&](int depth, json::parse_event_t event, json& parsed) {
      return watcher(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    throw Error(Errc::corrupt, fmt::format("{}: is not JSON: {}", name, error.what()));
  }
}

json read_json_file(const std::string& path, std::size_t most_bytes) {
  const MappedFile file(path);
  const std::size_t size = file.bytes().size();
  if (size > most_bytes)
    throw Error(Errc::limit, fmt::format("{}: {} bytes, must be at most {}", path, size, most_bytes));
  return parse_json_text({reinterpret_cast<const char*>(file.bytes().data()), size}, path);
}

}  // namespace longhand
