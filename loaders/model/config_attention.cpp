// What a file says of long texts.

#include <cmath>

#include "loaders/model/config_reader.h"

namespace longhand {

void read_attention(const ConfigReader& r, AttentionConfig& a) {
  a.key_norm = r.file().get_bool(key::key_norm).value_or(false);
  a.query_norm = r.file().get_bool(key::query_norm).value_or(false);
  const std::string_view rule = r.file().get_string(key::scale_rule).value_or("");
  if (rule == "log_n") {
    a.scale_rule = ScaleRule::log_n;
    a.scale_coefficient = 1 / std::log(512.0);
  } else if (rule == "sqrt_log_n") {
    a.scale_rule = ScaleRule::sqrt_log_n;
    a.scale_coefficient = 0.84;
  } else if (!rule.empty() && rule != "none") {
    r.refuse(key::scale_rule, fmt::format("is '{}', must be none, log_n or sqrt_log_n", rule));
  }
  a.scale_coefficient = r.file().get_float(key::scale_coefficient).value_or(a.scale_coefficient);
  a.memory = std::string(r.file().get_string(key::memory).value_or(""));
  a.window = r.integer(key::memory_window, 0);
  a.sinks = r.integer(key::memory_sinks, -1);
  a.far = r.integer(key::memory_far, 0);
  a.leak = r.number(key::memory_leak, 0);
  a.quantize_window = r.file().get_bool(key::vq_quantize_window).value_or(false);
  constexpr std::int64_t kMostCodes = 1 << 16;
  std::int64_t codes = 1;
  for (const std::int64_t level : r.file().get_ints(key::fsq_levels)) {
    a.fsq_levels.push_back(int(level));
    codes *= level;
    if (codes > kMostCodes) r.refuse(key::fsq_levels, fmt::format("makes more than {} codes", kMostCodes));
  }
}

}  // namespace longhand
