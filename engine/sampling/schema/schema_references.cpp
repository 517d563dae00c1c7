#include "engine/sampling/schema/schema_references.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "ops/error.h"

namespace longhand {
namespace {

using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

bool one_of(const std::string& key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string hex = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (error != std::errc() || end != hex.data() + 2)
      throw Error(Errc::grammar, fmt::format("bad percent escape in $ref \"{}\"", text));
    out += char(value);
    i += 2;
  }
  return out;
}

// RFC 3986 as far as schemas use it: without "..".
std::string resolved(const std::string& base, const std::string& uri) {
  const std::size_t colon = uri.find(':');
  if (uri.empty()) return base;
  if (colon != std::string::npos && uri.find('/') >= colon) return uri;
  const std::size_t authority = base.find("://");
  const std::size_t start = authority == std::string::npos ? 0 : authority + 3;
  const std::size_t slash = uri[0] == '/' ? base.find('/', start) : base.rfind('/');
  if (slash == std::string::npos || slash < start)
    return authority == std::string::npos ? uri : base + "/" + uri;
  return base.substr(0, uri[0] == '/' ? slash : slash + 1) + uri;
}

class References {
 public:
  explicit References(Json& root) : root_(root) {
    places_[""] = Pointer();
    walk(root, Pointer(), "", true);
    // Children before their parents, whose change moves them.
    for (auto found = found_.rbegin(); found != found_.rend(); ++found) replace(*found);
  }

 private:
  struct Found {
    Json* schema;
    std::string key, base;
  };

  // Recursion is as deep as the document, which its reader limits.
  void walk(Json& node, const Pointer& at, std::string base, bool is_schema) {
    if (node.is_array()) {
      for (std::size_t i = 0; i < node.size(); ++i) walk(node[i], at / i, base, is_schema);
    }
    if (!node.is_object()) return;
    if (is_schema) name_place(node, at, base);
    for (auto& [key, value] : node.items()) {
      const bool names = one_of(key, {"properties", "patternProperties", "$defs", "definitions",
                                      "dependencies", "dependentSchemas"});
      if (is_schema && one_of(key, {"enum", "const", "default", "examples", "example"})) continue;
      walk(value, at / key, base, !(is_schema && names));
    }
  }

  void name_place(Json& schema, const Pointer& at, std::string& base) {
    const auto text = [&](const char* key) {
      const auto found = schema.find(key);
      return found != schema.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                         : std::nullopt;
    };
    if (const auto id = text("$id")) {
      const std::string whole = resolved(base, id->substr(0, id->find('#')));
      const std::size_t mark = id->find('#');
      base = whole;
      places_.try_emplace(base, at);
      if (mark != std::string::npos) places_.try_emplace(base + id->substr(mark), at);
    }
    for (const char* key : {"$anchor", "$dynamicAnchor"}) {
      if (const auto anchor = text(key)) places_.try_emplace(base + "#" + *anchor, at);
    }
    for (const char* key : {"$ref", "$dynamicRef", "$recursiveRef"}) {
      if (text(key)) found_.push_back({&schema, key, base});
    }
  }

  void replace(const Found& found) {
    const std::string ref = (*found.schema)[found.key];
    const std::size_t mark = std::min(ref.find('#'), ref.size());
    const std::string uri = resolved(found.base, ref.substr(0, mark));
    const std::string fragment = mark < ref.size() ? ref.substr(mark + 1) : "";
    std::optional<Pointer> target;
    const auto anchor = places_.find(uri + "#" + fragment);
    const auto resource = places_.find(uri);
    if (!fragment.empty() && fragment[0] != '/') {
      if (anchor != places_.end()) target = anchor->second;
    } else if (resource != places_.end()) {
      target = resource->second / Pointer(decoded(fragment));
      // Many put an $id into a part and still count paths from the top.
      if (!root_.contains(*target)) target = Pointer(decoded(fragment));
    }
    if (!target) return;
    if (found.key != "$ref") found.schema->erase(found.key);
    (*found.schema)["$ref"] = "#" + target->to_string();
  }

  Json& root_;
  std::map<std::string, Pointer> places_;  // by URI
  std::vector<Found> found_;
};

}  // namespace

void resolve_references(Json& root) { References references(root); }

const Json& referenced(const Json& root, const std::string& ref) {
  if (!ref.starts_with('#')) throw Error(Errc::grammar, fmt::format("$ref \"{}\" is not local", ref));
  const bool path = ref.size() == 1 || ref[1] == '/';
  const Pointer pointer(path ? ref.substr(1) : "");
  if (!path || !root.contains(pointer))
    throw Error(Errc::grammar, fmt::format("$ref \"{}\" leads nowhere", ref));
  return root.at(pointer);
}

}  // namespace longhand
