// config.json of a Hugging Face folder, read with checks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/error.h"

namespace longhand {

/// An object of a JSON file. A member that is null counts as absent. All throw Error (type, range) that names
/// the file, the key and the value, and where a value is required (missing).
class HubConfig {
 public:
  /// `where` stands in messages: the path of the file, and of an object within it "FILE: KEY".
  HubConfig(nlohmann::json object, std::string where);

  bool has(std::string_view key) const;
  /// A number from 0 to 2^31 - 1.
  std::optional<std::int64_t> find_count(std::string_view key) const;
  std::optional<double> find_number(std::string_view key) const;
  std::optional<bool> find_flag(std::string_view key) const;
  std::optional<std::string> find_text(std::string_view key) const;
  /// The first of several names of one number that is there.
  std::optional<std::int64_t> find_count(std::initializer_list<std::string_view> keys) const;
  std::optional<double> find_number(std::initializer_list<std::string_view> keys) const;

  std::int64_t count(std::string_view key) const;
  double number(std::string_view key) const;
  std::int64_t count_or(std::string_view key, std::int64_t otherwise) const;
  bool flag_or(std::string_view key, bool otherwise) const { return find_flag(key).value_or(otherwise); }

  /// Empty where the key is absent.
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::int64_t> counts(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  /// The object `key`; an empty one where it is absent.
  HubConfig object(std::string_view key) const;
  /// This object with the members of `other` for what is absent here.
  HubConfig completed_with(const HubConfig& other) const;

  const nlohmann::json& json() const noexcept { return object_; }
  const std::string& where() const noexcept { return where_; }
  /// Throws Error (range) where a number of layers, heads, experts and the like, which tables are made by, is
  /// larger than that of any model.
  void check_counts() const;
  [[noreturn]] void fail(Errc code, std::string_view key, std::string_view what) const;

 private:
  const nlohmann::json* find(std::string_view key) const;

  nlohmann::json object_;
  std::string where_;
};

/// The numbers of rotary positions, which libraries have kept in different places: rope_parameters, or
/// rope_scaling and rope_theta; for layers that see everything and for those with a window apart, or the same
/// for both.
HubConfig rope_of_full_layers(const HubConfig& config);
HubConfig rope_of_window_layers(const HubConfig& config);

/// head_dim, else hidden_size / num_attention_heads.
std::int64_t head_size(const HubConfig& config);

/// partial_rotary_factor: the share of a head that positions turn. Throws Error (range) for what is none.
double rotated_share(const HubConfig& rope, double otherwise);

/// What layer_types says of each layer; empty where it is absent.
std::vector<bool> layers_of_type(const HubConfig& config, std::string_view type);

}  // namespace longhand
