#include "engine/make/convert/changes.h"

#include <fmt/format.h>

#include <cmath>

namespace longhand {
namespace {

// Number j of the first half of a head goes to 2j, of the second half to 2j + 1.
TensorRows pair_neighbours(TensorRows rows, std::int64_t heads, const RuleContext& at) {
  const std::uint64_t outputs = output_count(rows), count = std::uint64_t(heads);
  if (count == 0 || outputs % (2 * count) != 0) {
    throw Error(Errc::shape, fmt::format("tensor '{}': {} outputs are no {} heads of an even size",
                                         at.tensor.name, outputs, heads));
  }
  const std::uint64_t half = outputs / count / 2;
  std::vector<std::uint64_t> sources;
  sources.reserve(outputs);
  for (std::uint64_t head = 0; head < count; ++head) {
    for (std::uint64_t pair = 0; pair < half; ++pair) {
      sources.push_back(head * 2 * half + pair);
      sources.push_back(head * 2 * half + half + pair);
    }
  }
  return with_outputs(std::move(rows), std::move(sources));
}

TensorRows half(TensorRows rows, std::uint64_t which, const RuleContext& at) {
  const std::uint64_t outputs = output_count(rows);
  if (outputs % 2 != 0)
    throw Error(Errc::shape,
                fmt::format("tensor '{}': {} outputs, must be an even number", at.tensor.name, outputs));
  return with_outputs(std::move(rows), steps(which * (outputs / 2), outputs / 2));
}

}  // namespace

TensorRows first_half(TensorRows rows, const RuleContext& at) { return half(std::move(rows), 0, at); }
TensorRows second_half(TensorRows rows, const RuleContext& at) { return half(std::move(rows), 1, at); }

TensorRows plus_one(TensorRows rows, const RuleContext&) {
  return with_values(std::move(rows), [](float x) { return x + 1; });
}

TensorRows minus_exp(TensorRows rows, const RuleContext&) {
  return with_values(std::move(rows), [](float x) { return -std::exp(x); });
}

TensorRows pair_query_neighbours(TensorRows rows, const RuleContext& at) {
  return pair_neighbours(std::move(rows), at.config.count("num_attention_heads"), at);
}

TensorRows pair_key_neighbours(TensorRows rows, const RuleContext& at) {
  const std::int64_t heads = at.config.count("num_attention_heads");
  return pair_neighbours(std::move(rows), at.config.count_or("num_key_value_heads", heads), at);
}

TensorRows without_middle(TensorRows rows, const RuleContext& at) {
  if (rows.shape.size() == 2) return rows;
  if (rows.shape.size() != 3 || rows.shape[1] != 1) {
    throw Error(Errc::shape, fmt::format("tensor '{}': [{}], must be [channels, 1, taps]", at.tensor.name,
                                         fmt::join(rows.shape, ", ")));
  }
  std::vector<std::uint64_t> shape = {rows.shape[0], rows.shape[2]};
  return reshaped(std::move(rows), std::move(shape));
}

void need_outputs(const TensorRows& rows, std::int64_t outputs, const RuleContext& at) {
  if (output_count(rows) == std::uint64_t(outputs)) return;
  throw Error(Errc::shape, fmt::format("tensor '{}': {} outputs, config.json asks for {}", at.tensor.name,
                                       output_count(rows), outputs));
}

}  // namespace longhand
