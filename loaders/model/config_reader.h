// Reads the numbers of a model from its metadata; the parts of load_config().
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "loaders/model/config.h"
#include "ops/error.h"

namespace longhand {

class ConfigReader {
 public:
  explicit ConfigReader(const Gguf& file) : file_(file) {}

  int integer(const KeySpec& key) const { return int(file_.require_int(key)); }
  int integer(const KeySpec& key, int otherwise) const { return int(file_.get_int(key).value_or(otherwise)); }
  float number(const KeySpec& key, double otherwise) const {
    return float(file_.get_float(key).value_or(otherwise));
  }
  int at_least_1(const KeySpec& key) const {
    const int value = integer(key);
    if (value < 1) refuse(key, fmt::format("is {}, must be at least 1", value));
    return value;
  }
  bool has(const KeySpec& key) const { return file_.has(key); }
  const Gguf& file() const { return file_; }

  [[noreturn]] void refuse(const KeySpec& key, std::string_view why, Errc code = Errc::range) const {
    std::string name(key.name);
    if (name.starts_with("%s")) name = std::string(file_.architecture()) + name.substr(2);
    throw Error(code, fmt::format("{}: {} {}", file_.name(), name, why));
  }

  // One value per layer, from a scalar or an array of at least `layers`.
  std::vector<int> per_layer(const KeySpec& key, int layers, int otherwise) const {
    const std::vector<std::int64_t> values = file_.get_ints(key);
    if (values.empty()) return std::vector<int>(std::size_t(layers), otherwise);
    if (values.size() == 1) return std::vector<int>(std::size_t(layers), int(values[0]));
    if (values.size() < std::size_t(layers)) {
      refuse(key, fmt::format("has {} values, must have one for each of {} layers", values.size(), layers));
    }
    std::vector<int> result;
    for (int i = 0; i < layers; ++i) result.push_back(int(values[std::size_t(i)]));
    return result;
  }

  std::vector<float> numbers_per_layer(const KeySpec& key, int layers) const {
    const std::vector<double> values = file_.get_floats(key);
    if (values.empty()) refuse(key, "is missing", Errc::missing);
    if (values.size() != 1 && values.size() < std::size_t(layers))
      refuse(key, fmt::format("has {} values, must have one for each of {} layers", values.size(), layers));
    std::vector<float> result;
    for (int i = 0; i < layers; ++i) result.push_back(float(values[values.size() == 1 ? 0 : std::size_t(i)]));
    return result;
  }

 private:
  const Gguf& file_;
};

void read_layers(const ConfigReader& r, ModelConfig& c);
void read_compressed(const ConfigReader& r, ModelConfig& c);
void read_hyper(const ConfigReader& r, ModelConfig& c);
void read_limits(const ConfigReader& r, const KeySpec& key, float LayerShape::*to, ModelConfig& c);
void read_rope(const ConfigReader& r, ModelConfig& c);
void read_attention(const ConfigReader& r, AttentionConfig& a);
void read_indexer(const ConfigReader& r, ModelConfig& c);
void read_recurrent(const ConfigReader& r, ModelConfig& c);
void read_act(const ConfigReader& r, ModelConfig& c);
void read_pooling(const ConfigReader& r, ModelConfig& c);
void read_experts(const ConfigReader& r, ModelConfig& c);

}  // namespace longhand
