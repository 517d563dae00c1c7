#include "engine/make/convert/tensor_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "engine/make/convert/tensor_name.h"
#include "loaders/model/config.h"
#include "loaders/model/tensors/leftover_tensors.h"
#include "loaders/model/tensors/tensor_list.h"

namespace longhand {
namespace {

/// Stored tensors that become the same ones: one, or those of all experts.
struct Group {
  int layer = -1;
  std::string ending;
  std::vector<const TensorRule*> rules;
  std::vector<std::pair<int, const StoredTensor*>> parts;  // with the number of the expert
};

std::vector<const TensorRule*> rules_in(std::span<const TensorRule> table, std::string_view tail) {
  std::vector<const TensorRule*> found;
  for (const TensorRule& rule : table) {
    if (rule.from == tail) found.push_back(&rule);
  }
  return found;
}

std::vector<const TensorRule*> rules_for(const Family& family, const TensorName& name) {
  const bool in_layer = name.layer >= 0;
  std::vector<const TensorRule*> found = rules_in(in_layer ? family.layer_rules : family.rules, name.tail);
  if (found.empty()) found = rules_in(in_layer ? common_layer_rules() : common_rules(), name.tail);
  return found;
}

class Planner {
 public:
  Planner(const Family& family, const HubConfig& config, TensorSource& source, FormatId wanted)
      : family_(family),
        config_(config),
        source_(source),
        wanted_(wanted),
        layers_(config.count("num_hidden_layers")),
        further_layers_(config.count_or("num_nextn_predict_layers", 0)),
        drops_head_(family.ties_head || config.flag_or("tie_word_embeddings", false)) {}

  TensorPlan run() {
    for (const StoredTensor& tensor : source_.folder().tensors()) sort_in(tensor);
    for (const auto extra : {llama3_factors, family_.extra}) {
      if (!extra) continue;
      for (ExtraTensor& tensor : extra(config_)) add(tensor.name, std::move(tensor.rows));
    }
    need_factors();
    std::ranges::stable_sort(groups_, {}, place_of);
    for (Group& group : groups_) make(group);
    refuse_unclaimed();
    if (left_out_ != 0) {
      plan_.notes.push_back(fmt::format(
          "{} tensors of parts that read pictures or sound or foresee tokens are left out", left_out_));
    }
    return std::move(plan_);
  }

 private:
  // What single frequencies are multiplied with is part of some scalings.
  void need_factors() const {
    constexpr std::pair<std::string_view, std::string_view> kFactors[] = {
        {"longrope", "rope_factors_long.weight"},
        {"su", "rope_factors_long.weight"},
        {"proportional", "rope_freqs.weight"}};
    const HubConfig rope = rope_of_full_layers(config_);
    const std::string type = rope.find_text("rope_type").value_or("");
    for (const auto& [scaling, name] : kFactors) {
      if (type != scaling || names_.contains(std::string(name))) continue;
      rope.fail(Errc::unsupported, "rope_type",
                fmt::format("positions scaled by '{}' are not converted for architecture '{}'", type,
                            family_.architecture));
    }
  }

  // Embeddings before the layers, what ends the model behind them.
  static int place_of(const Group& group) {
    if (group.layer >= 0) return group.layer;
    return group.rules.front()->from.starts_with("embed_tokens") ? -1 : std::numeric_limits<int>::max();
  }

  void sort_in(const StoredTensor& tensor) {
    const TensorName name = take_apart(tensor.name);
    if (of_activations(tensor.name)) return source_.take(tensor);
    const bool other_part = of_part_left_out(tensor.name);
    if (!other_part && name.layer >= layers_ + further_layers_) return unclaimed_.push_back(&tensor);
    if (other_part || name.layer >= layers_) {
      source_.take(tensor);
      ++left_out_;
      return;
    }
    if (drops_head_ && name.layer < 0 && name.tail == "lm_head") return source_.take(tensor);
    std::vector<const TensorRule*> rules = rules_for(family_, name);
    if (rules.empty()) return unclaimed_.push_back(&tensor);  // perhaps it belongs to another
    if (rules.front()->to.empty()) return source_.take(tensor);
    const auto [at, is_new] = places_.try_emplace({name.layer, name.tail, name.ending}, groups_.size());
    if (is_new) groups_.push_back({name.layer, name.ending, std::move(rules), {}});
    groups_[at->second].parts.emplace_back(name.expert, &tensor);
  }

  std::string new_name(const Group& group, const TensorRule& rule) const {
    std::string name =
        group.layer >= 0 ? fmt::format("blk.{}.{}", group.layer, rule.to) : std::string(rule.to);
    if (!name.ends_with(".weight") && !name.ends_with(".bias")) name += group.ending;
    return name;
  }

  void make(Group& group) {
    std::ranges::sort(group.parts, {}, [](const auto& part) { return part.first; });
    refuse_twins(group);
    const StoredTensor& first = *group.parts.front().second;
    const RuleContext at{config_, first, source_};
    for (const TensorRule* rule : group.rules) {
      const std::string name = new_name(group, *rule);
      TensorRows rows = rule->whole ? TensorRows() : rows_of(group, name);
      if (rule->change) rows = rule->change(std::move(rows), at);
      add(name, std::move(rows));
    }
  }

  static void refuse_twins(const Group& group) {
    const auto number = [](const auto& part) { return part.first; };
    const auto twice = std::ranges::adjacent_find(group.parts, {}, number);
    if (twice == group.parts.end()) return;
    throw Error(Errc::duplicate, fmt::format("tensors '{}' and '{}' would become the same one",
                                             escape_controls(twice->second->name, 150),
                                             escape_controls((twice + 1)->second->name, 150)));
  }

  TensorRows rows_of(const Group& group, const std::string& name) {
    if (group.parts.front().first < 0) return source_.rows(*group.parts.front().second);
    std::vector<TensorRows> experts;
    for (const auto& [number, tensor] : group.parts) {
      if (number != int(experts.size())) {
        throw Error(Errc::missing, fmt::format("{}: expert {} is missing before tensor '{}'", name,
                                               experts.size(), tensor->name));
      }
      experts.push_back(source_.rows(*tensor));
    }
    return stacked(std::move(experts), name);
  }

  void add(const std::string& name, TensorRows rows) {
    constexpr std::size_t kMostDimensions = 4;
    if (rows.shape.size() > kMostDimensions)
      throw Error(Errc::shape, fmt::format("{}: [{}] has more than {} dimensions", name,
                                           fmt::join(rows.shape, ", "), kMostDimensions));
    if (!names_.insert(name).second)
      throw Error(Errc::duplicate, fmt::format("two tensors become '{}'", name));
    const FormatId format = format_of(name, rows);
    plan_.tensors.push_back({name, std::move(rows), format});
  }

  FormatId format_of(const std::string& name, const TensorRows& rows) {
    if (rows.read_blocks) return rows.blocks;
    if (stays_f32(name, rows)) return kFormatF32;
    if (rows.cols() % format_info(wanted_).block_elements == 0) return wanted_;
    plan_.notes.push_back(
        fmt::format("{} has {} columns, which are no whole blocks of {}: it is written as F16", name,
                    rows.cols(), format_info(wanted_).name));
    return FormatId(find_format(F16::info.gguf));
  }

  static bool stays_f32(std::string_view name, const TensorRows& rows) {
    constexpr std::string_view kSmall[] = {"ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight",
                                           "ssm_conv1d.weight", "shortconv.conv.weight"};
    return rows.shape.size() == 1 || name.ends_with("_norm.weight") || !name.ends_with(".weight") ||
           std::ranges::any_of(kSmall, [&](std::string_view small) { return name.ends_with(small); });
  }

  void refuse_unclaimed() const {
    std::vector<const StoredTensor*> left;
    for (const StoredTensor* tensor : unclaimed_) {
      if (!source_.taken(*tensor)) left.push_back(tensor);
    }
    if (left.empty()) return;
    throw Error(Errc::unsupported,
                fmt::format("{}: tensor '{}' has no place in a model of architecture '{}'{}",
                            source_.folder().files()[std::size_t(left.front()->file)],
                            escape_controls(left.front()->name, 200), family_.architecture,
                            left.size() == 1 ? "" : fmt::format(", nor have {} others", left.size() - 1)));
  }

  const Family& family_;
  const HubConfig& config_;
  TensorSource& source_;
  FormatId wanted_;
  std::int64_t layers_, further_layers_;  // those that foresee tokens
  bool drops_head_;
  std::vector<Group> groups_;
  std::map<std::tuple<int, std::string, std::string>, std::size_t> places_;  // of groups
  std::vector<const StoredTensor*> unclaimed_;
  std::set<std::string> names_;
  std::size_t left_out_ = 0;
  TensorPlan plan_;
};

std::vector<std::uint64_t> without_ones(std::vector<std::uint64_t> dims) {
  while (dims.size() > 1 && dims.back() == 1) dims.pop_back();
  return dims;
}

}  // namespace

std::uint64_t OutputTensor::row_bytes() const noexcept {
  return longhand::row_bytes(format, std::int64_t(rows.cols()));
}

std::vector<std::uint64_t> OutputTensor::dims() const { return {rows.shape.rbegin(), rows.shape.rend()}; }

TensorPlan plan_tensors(const Family& family, const HubConfig& config, TensorSource& source,
                        FormatId wanted) {
  return Planner(family, config, source, wanted).run();
}

void check_against_architecture(const TensorPlan& plan, const GgufHead& head) {
  ModelConfig config = load_config(head);
  std::map<std::string, const OutputTensor*> planned;
  for (const OutputTensor& tensor : plan.tensors) planned.emplace(tensor.name, &tensor);
  const auto embedding = planned.find("token_embd.weight");
  if (embedding == planned.end())
    throw Error(Errc::missing, "no tensor of the folder becomes 'token_embd.weight'");
  config.vocab = int(embedding->second->rows.rows());
  const auto has = [&](const std::string& name) { return planned.contains(name); };
  for (const ListedTensor& listed : list_tensors(config, has)) {
    const auto found = planned.find(listed.name);
    if (found == planned.end())
      throw Error(Errc::missing, fmt::format("no tensor of the folder becomes '{}'", listed.name));
    const std::vector<std::uint64_t> dims = without_ones(found->second->dims());
    if (dims != listed.dims) {
      throw Error(Errc::shape, fmt::format("'{}' would be [{}], config.json asks for [{}]", listed.name,
                                           fmt::join(dims, ", "), fmt::join(listed.dims, ", ")));
    }
    planned.erase(found);
  }
  for (const auto& [name, tensor] : planned) {
    if (known_leftover(name, int(config.layers.size()), config.skipped_layers)) continue;
    throw Error(Errc::unsupported, fmt::format("'{}' has no place in a model of these numbers", name));
  }
}

}  // namespace longhand
