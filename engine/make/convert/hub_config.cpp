#include "engine/make/convert/hub_config.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace longhand {
namespace {

constexpr std::int64_t kMostCount = std::numeric_limits<std::int32_t>::max();

std::string shown(const nlohmann::json& value) {
  return escape_controls(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 80);
}

bool splits_layers(const HubConfig& rope) {
  return rope.has("full_attention") || rope.has("sliding_attention");
}

// Both spellings of the object, without the numbers that older files keep beside it.
HubConfig rope_object(const HubConfig& config) {
  return config.object(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
}

void take(nlohmann::json& to, std::string_view name, const HubConfig& config,
          std::initializer_list<std::string_view> keys) {
  if (to.contains(name)) return;
  if (const auto value = config.find_number(keys)) to[std::string(name)] = *value;
}

}  // namespace

HubConfig::HubConfig(nlohmann::json object, std::string where)
    : object_(std::move(object)), where_(std::move(where)) {
  if (!object_.is_object()) throw Error(Errc::type, fmt::format("{}: must be a JSON object", where_));
}

void HubConfig::fail(Errc code, std::string_view key, std::string_view what) const {
  throw Error(code, fmt::format("{}: {}: {}", where_, key, what));
}

const nlohmann::json* HubConfig::find(std::string_view key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool HubConfig::has(std::string_view key) const { return find(key) != nullptr; }

std::optional<std::int64_t> HubConfig::find_count(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (!value) return std::nullopt;
  const std::int64_t count = value->is_number_integer() ? value->get<std::int64_t>() : -1;
  if (count < 0 || count > kMostCount)
    fail(Errc::range, key, fmt::format("{}, must be a whole number from 0 to {}", shown(*value), kMostCount));
  return count;
}

std::optional<double> HubConfig::find_number(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    fail(Errc::type, key, fmt::format("{}, must be a number", shown(*value)));
  return value->get<double>();
}

std::optional<bool> HubConfig::find_flag(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) fail(Errc::type, key, fmt::format("{}, must be true or false", shown(*value)));
  return value->get<bool>();
}

std::optional<std::string> HubConfig::find_text(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_string()) fail(Errc::type, key, fmt::format("{}, must be a text", shown(*value)));
  return value->get<std::string>();
}

std::optional<std::int64_t> HubConfig::find_count(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    if (has(key)) return find_count(key);
  }
  return std::nullopt;
}

std::optional<double> HubConfig::find_number(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    if (has(key)) return find_number(key);
  }
  return std::nullopt;
}

void HubConfig::check_counts() const {
  constexpr std::int64_t kLayers = 1024, kHeads = 65536, kSize = std::int64_t{1} << 20;
  constexpr std::pair<std::string_view, std::int64_t> kMost[] = {{"num_hidden_layers", kLayers},
                                                                 {"n_layers", kLayers},
                                                                 {"num_layers", kLayers},
                                                                 {"num_nextn_predict_layers", kLayers},
                                                                 {"num_kv_shared_layers", kLayers},
                                                                 {"num_attention_heads", kHeads},
                                                                 {"n_head", kHeads},
                                                                 {"num_key_value_heads", kHeads},
                                                                 {"n_kv_heads", kHeads},
                                                                 {"num_global_key_value_heads", kHeads},
                                                                 {"linear_num_key_heads", kHeads},
                                                                 {"linear_num_value_heads", kHeads},
                                                                 {"linear_key_head_dim", kSize},
                                                                 {"linear_value_head_dim", kSize},
                                                                 {"head_dim", kSize},
                                                                 {"global_head_dim", kSize},
                                                                 {"qk_nope_head_dim", kSize},
                                                                 {"qk_rope_head_dim", kSize},
                                                                 {"v_head_dim", kSize},
                                                                 {"hidden_size", kSize},
                                                                 {"n_embd", kSize},
                                                                 {"num_local_experts", kHeads},
                                                                 {"num_experts", kHeads},
                                                                 {"n_routed_experts", kHeads}};
  for (const auto& [key, most] : kMost) {
    const std::optional<std::int64_t> count = find_count(key);
    if (count && *count > most) fail(Errc::range, key, fmt::format("{}, must be at most {}", *count, most));
  }
}

std::int64_t HubConfig::count(std::string_view key) const {
  if (const auto value = find_count(key)) return *value;
  fail(Errc::missing, key, "required, absent");
}

double HubConfig::number(std::string_view key) const {
  if (const auto value = find_number(key)) return *value;
  fail(Errc::missing, key, "required, absent");
}

std::int64_t HubConfig::count_or(std::string_view key, std::int64_t otherwise) const {
  return find_count(key).value_or(otherwise);
}

std::vector<double> HubConfig::numbers(std::string_view key) const {
  const nlohmann::json* value = find(key);
  std::vector<double> list;
  if (!value) return list;
  if (!value->is_array()) fail(Errc::type, key, fmt::format("{}, must be a list", shown(*value)));
  for (const nlohmann::json& item : *value) {
    if (!item.is_number()) fail(Errc::type, key, fmt::format("has {}, must be numbers", shown(item)));
    list.push_back(item.get<double>());
  }
  return list;
}

std::vector<std::int64_t> HubConfig::counts(std::string_view key) const {
  std::vector<std::int64_t> list;
  for (const double value : numbers(key)) {
    if (value < 0 || value > double(kMostCount) || value != std::floor(value))
      fail(Errc::range, key, fmt::format("has {}, must be whole numbers from 0 to {}", value, kMostCount));
    list.push_back(std::int64_t(value));
  }
  return list;
}

std::vector<std::string> HubConfig::texts(std::string_view key) const {
  const nlohmann::json* value = find(key);
  std::vector<std::string> list;
  if (!value) return list;
  if (!value->is_array()) fail(Errc::type, key, fmt::format("{}, must be a list", shown(*value)));
  for (const nlohmann::json& item : *value) {
    if (!item.is_string()) fail(Errc::type, key, fmt::format("has {}, must be texts", shown(item)));
    list.push_back(item.get<std::string>());
  }
  return list;
}

HubConfig HubConfig::object(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value && !value->is_object())
    fail(Errc::type, key, fmt::format("{}, must be an object", shown(*value)));
  return {value ? *value : nlohmann::json::object(), fmt::format("{}: {}", where_, key)};
}

HubConfig HubConfig::completed_with(const HubConfig& other) const {
  nlohmann::json joined = object_;
  for (const auto& [key, value] : other.object_.items()) {
    if (!has(key)) joined[key] = value;
  }
  return {std::move(joined), where_};
}

HubConfig rope_of_full_layers(const HubConfig& config) {
  HubConfig rope = rope_object(config);
  if (splits_layers(rope)) return rope.object("full_attention");
  nlohmann::json joined = rope.json();
  take(joined, "rope_theta", config, {"global_rope_theta", "rope_theta", "rotary_emb_base"});
  take(joined, "partial_rotary_factor", config, {"partial_rotary_factor", "rope_pct"});
  if (!rope.has("rope_type") && rope.has("type")) joined["rope_type"] = *rope.find_text("type");
  // Early files of Phi 3 call what has factors of its own "su" or "yarn".
  if (rope.has("long_factor")) joined["rope_type"] = "longrope";
  if (!rope.has("original_max_position_embeddings")) {
    if (const auto length = config.find_count("original_max_position_embeddings"))
      joined["original_max_position_embeddings"] = *length;
  }
  return {std::move(joined), rope.where()};
}

HubConfig rope_of_window_layers(const HubConfig& config) {
  HubConfig rope = rope_object(config);
  if (splits_layers(rope)) return rope.object("sliding_attention");
  nlohmann::json joined = nlohmann::json::object();
  take(joined, "rope_theta", config, {"local_rope_theta", "swa_rope_theta", "rope_local_base_freq"});
  return {std::move(joined), rope.where()};
}

std::int64_t head_size(const HubConfig& config) {
  if (const auto size = config.find_count("head_dim")) return *size;
  const std::int64_t heads = config.count("num_attention_heads");
  if (heads == 0) config.fail(Errc::range, "num_attention_heads", "0, must be at least 1");
  return config.count("hidden_size") / heads;
}

double rotated_share(const HubConfig& rope, double otherwise) {
  const double share = rope.find_number("partial_rotary_factor").value_or(otherwise);
  if (share < 0 || share > 1)
    rope.fail(Errc::range, "partial_rotary_factor", fmt::format("{}, must be from 0 to 1", share));
  return share;
}

std::vector<bool> layers_of_type(const HubConfig& config, std::string_view type) {
  std::vector<bool> layers;
  for (const std::string& name : config.texts("layer_types")) layers.push_back(name == type);
  return layers;
}

}  // namespace longhand
