// What a file says of vectors of whole texts.

#include <algorithm>
#include <utility>

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

constexpr PoolingRule kRules[] = {PoolingRule::none, PoolingRule::mean, PoolingRule::first, PoolingRule::last,
                                  PoolingRule::rank};

// Names of the authors' libraries.
constexpr std::pair<std::string_view, Act> kActs[] = {
    {"gelu", Act::gelu_erf},  {"gelu_new", Act::gelu}, {"gelu_pytorch_tanh", Act::gelu},
    {"gelu_fast", Act::gelu}, {"silu", Act::silu},     {"swish", Act::silu}};

}  // namespace

void read_act(const ConfigReader& r, ModelConfig& c) {
  c.act = c.arch->act;
  const auto name = r.file().get_string(key::hidden_activation);
  if (!name) return;
  const auto* found = std::ranges::find(kActs, *name, [](const auto& row) { return row.first; });
  if (found == std::end(kActs))
    r.refuse(key::hidden_activation, fmt::format("is '{}', which is not computed by this version", *name),
             Errc::unsupported);
  c.act = found->second;
}

void read_pooling(const ConfigReader& r, ModelConfig& c) {
  c.causal = r.file().get_bool(key::causal).value_or(c.arch->causal);
  PoolingConfig& p = c.pooling;
  if (r.has(key::pooling_type)) p.rule = kRules[r.integer(key::pooling_type)];
  p.score = c.arch->score;
  if (p.score.from == PoolingRule::unstated) p.score.from = c.causal ? PoolingRule::last : PoolingRule::first;
  for (const std::string_view label : r.file().get_strings(key::output_labels)) p.labels.emplace_back(label);
  p.wide = r.integer(key::dense_2_out, 0);
  p.narrow = r.integer(key::dense_3_out, 0);
  if (p.narrow > 0 && p.wide == 0) r.refuse(key::dense_3_out, "is set, but there is no dense_2_feat_out");
  p.token_types = r.integer(key::token_type_count, 0);
}

}  // namespace longhand
