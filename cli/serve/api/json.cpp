#include "cli/serve/api/json.h"

#include <cmath>
#include <ctime>
#include <random>

#include "cli/serve/api/api_error.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kDeepest = 64;
// The library compares each name of an object with all before it.
constexpr std::size_t kMostMembers = 4096, kMostCompared = 1 << 27;

// Looks a text over before it becomes a value. A callback of the library's own parser would have it go over
// an array again after each item.
class Limits : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return begin(); }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return begin(); }
  bool end_array() override { return end(); }
  bool key(string_t&) override {
    if (++members_.back() > kMostMembers)
      throw ApiError(400, fmt::format("the body has an object of more than {} members", kMostMembers));
    compared_ += members_.back();
    if (compared_ > kMostCompared) throw ApiError(400, "the body has too many objects of many members");
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;  // the parser says it
  }

 private:
  bool begin() {
    members_.push_back(0);
    if (members_.size() > kDeepest)
      throw ApiError(400, fmt::format("the body is nested deeper than {} levels", kDeepest));
    return true;
  }
  bool end() {
    members_.pop_back();
    return true;
  }

  std::vector<std::size_t> members_;  // of each object that is open
  std::size_t compared_ = 0;          // names, in all objects
};

}  // namespace

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json parse_body(const std::string& body) {
  Limits limits;
  Json::sax_parse(body, &limits);
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception& error) {
    throw ApiError(400, fmt::format("the body is not JSON: {}", escape_controls(error.what(), 200)));
  }
  return json;
}

Json parse_request(const std::string& body) {
  Json json = parse_body(body);
  if (!json.is_object()) throw ApiError(400, "the body must be a JSON object");
  return json;
}

Fields::Fields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
  if (!json.is_object())
    throw ApiError(400, fmt::format("{} must be an object", path_.empty() ? "the body" : path_), path_);
}

const Json* Fields::find(const char* name) const {
  const auto at = json_.find(name);
  return at == json_.end() || at->is_null() ? nullptr : &*at;
}

void Fields::refuse(const std::string& name, const std::string& rule) const {
  throw ApiError(400, fmt::format("{} must be {}", path_of(name), rule), path_of(name));
}

std::optional<bool> Fields::flag(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name, "true or false");
  return value->get<bool>();
}

std::optional<std::string> Fields::text(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name, "a string");
  return value->get<std::string>();
}

std::string Fields::needed_text(const char* name) const {
  auto value = text(name);
  if (!value) throw ApiError(400, fmt::format("{} is missing", path_of(name)), path_of(name));
  return *std::move(value);
}

std::optional<double> Fields::number(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) refuse(name, "a number");
  return value->get<double>();
}

std::optional<long long> Fields::integer(const char* name, long long least, long long most) const {
  const std::optional<double> value = number(name);
  if (!value) return std::nullopt;
  if (*value != std::floor(*value) || *value < double(least) || *value > double(most))
    refuse(name, fmt::format("a whole number, {}..{}", least, most));
  return std::llround(*value);
}

std::vector<std::string> Fields::texts(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) refuse(name, "a string or an array of strings");
  std::vector<std::string> out;
  for (const Json& item : *value) {
    if (!item.is_string()) refuse(name, "a string or an array of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

const Json* Fields::array(const char* name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_array()) refuse(name, "an array");
  return value;
}

const Json* Fields::object(const char* name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_object()) refuse(name, "an object");
  return value;
}

Fields item_of(const Json& array, std::size_t i, const std::string& path) {
  return Fields(array[i], fmt::format("{}[{}].", path, i));
}

long long now_seconds() { return std::time(nullptr); }

std::string new_id(const char* prefix) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string id = prefix;
  for (int i = 0; i < 24; ++i) id += kLetters[random() % kLetters.size()];
  return id;
}

}  // namespace longhand::cli
