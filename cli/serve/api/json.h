// JSON of requests, read with care, and of replies.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/options.h"

namespace longhand::cli {

using Json = nlohmann::ordered_json;

/// On one line; bytes that are no UTF-8 become U+FFFD.
std::string dump(const Json& json);

/// The JSON of a request. Throws ApiError (400): it is no JSON, is nested deeper than 64 levels, has an
/// object of more than 4096 members or many of nearly as many, or holds numbers that are none.
Json parse_body(const std::string& body);
/// The JSON object of a request. Throws the same, and where it is no object.
Json parse_request(const std::string& body);

/// The members of an object, each read as what it has to be. A member that is null is as one that is absent;
/// others that nobody asks for are ignored. All throw ApiError (400) naming the member.
class Fields {
 public:
  /// `json` must be an object and outlive this. `path`: what messages put before names: "messages[0].".
  explicit Fields(const Json& json, std::string path = "");

  /// Null where it is absent.
  const Json* find(const char* name) const;
  bool has(const char* name) const { return find(name) != nullptr; }
  std::optional<bool> flag(const char* name) const;
  bool flag(const char* name, bool otherwise) const { return flag(name).value_or(otherwise); }
  std::optional<std::string> text(const char* name) const;
  std::string text(const char* name, const std::string& otherwise) const {
    return text(name).value_or(otherwise);
  }
  std::string needed_text(const char* name) const;
  std::optional<double> number(const char* name) const;
  /// Within [least, most].
  std::optional<long long> integer(const char* name, long long least, long long most) const;
  /// Of text, or one text alone; empty where absent.
  std::vector<std::string> texts(const char* name) const;
  /// Null where it is absent.
  const Json* array(const char* name) const;
  const Json* object(const char* name) const;

  [[noreturn]] void refuse(const std::string& name, const std::string& rule) const;
  std::string path_of(const std::string& name) const { return path_ + name; }

 private:
  const Json& json_;
  std::string path_;
};

/// An item of an array, which must be an object.
Fields item_of(const Json& array, std::size_t i, const std::string& path);

/// Seconds since 1970.
long long now_seconds();
/// A name that no other reply has: "chatcmpl-" and letters.
std::string new_id(const char* prefix);

}  // namespace longhand::cli
