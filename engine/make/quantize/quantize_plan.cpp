#include "engine/make/quantize/quantize_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <regex>
#include <set>

#include "loaders/gguf/tensor_types.h"
#include "loaders/model/tensors/tensor_list.h"
#include "ops/encode/encode.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

std::string_view type_name(std::uint32_t type) { return known_tensor_type(type)->name; }

[[noreturn]] void refuse(const Gguf& file, const TensorInfo& t, Errc code, const std::string& why) {
  throw Error(code, fmt::format("{}: tensor '{}' {}", file.name(), t.name, why));
}

/// What options say of single tensors.
class Overrides {
 public:
  explicit Overrides(const QuantizeOptions& options) : pure_(options.pure) {
    if (!options.output_type.empty()) output_ = &format_named(options.output_type);
    if (!options.embedding_type.empty()) embedding_ = &format_named(options.embedding_type);
    for (const TensorTypeRule& rule : options.tensor_types)
      patterns_.push_back({rule.pattern, compile(rule.pattern), &format_named(rule.type)});
  }

  /// nullptr where nothing is said. Embeddings that serve as the head too have the head's type only in a mix,
  /// and patterns come before it.
  const FormatInfo* find(std::string_view name, TensorCategory category, bool tied) const {
    if (category == TensorCategory::embedding && embedding_ != nullptr) return embedding_;
    if (category == TensorCategory::output && output_ != nullptr) return output_;
    for (const Pattern& pattern : patterns_) {
      if (pattern.fits(name)) return pattern.type;
    }
    return tied && !pure_ && category == TensorCategory::embedding ? output_ : nullptr;
  }

  /// Throws Error(range) for a pattern that is of no tensor whose type can be chosen.
  void check_use(const std::vector<PlannedTensor>& tensors) const {
    for (const Pattern& pattern : patterns_) {
      const auto used = [&](const PlannedTensor& t) { return t.open && pattern.fits(t.tensor->name); };
      if (std::ranges::none_of(tensors, used)) {
        throw Error(Errc::range,
                    fmt::format("pattern '{}' fits no tensor whose type can be chosen", pattern.text));
      }
    }
  }

 private:
  struct Pattern {
    std::string text;
    std::regex regex;
    const FormatInfo* type;

    bool fits(std::string_view name) const { return std::regex_search(name.begin(), name.end(), regex); }
  };

  static std::regex compile(const std::string& pattern) {
    try {
      return std::regex(pattern, std::regex::ECMAScript | std::regex::icase);
    } catch (const std::regex_error&) {
      throw Error(Errc::range, fmt::format("pattern '{}' is no regular expression", pattern));
    }
  }

  bool pure_;
  const FormatInfo *output_ = nullptr, *embedding_ = nullptr;
  std::vector<Pattern> patterns_;
};

/// Tensors that a model of a known architecture reads as vectors or as whole numbers.
std::set<std::string> listed_vectors(const Gguf& file) {
  std::set<std::string> names;
  const TensorInfo* embedding = file.find_tensor("token_embd.weight");
  try {
    ModelConfig config = load_config(file);
    config.vocab = embedding == nullptr ? 1 : int(embedding->dims[1]);
    const auto has = [&](const std::string& name) { return file.find_tensor(name) != nullptr; };
    for (ListedTensor& t : list_tensors(config, has)) {
      if (t.kind != TensorKind::matrix) names.insert(std::move(t.name));
    }
  } catch (const Error&) { names.clear(); }  // a file of another kind: names alone tell
  return names;
}

RecipeModel model_of(const Gguf& file) {
  RecipeModel model;
  model.architecture = file.architecture();
  model.layers = int(file.get_int(key::block_count).value_or(0));
  model.experts = int(file.get_int(key::expert_count).value_or(0));
  const std::vector<std::int64_t> heads = file.get_ints(key::head_count);
  const std::vector<std::int64_t> kv_heads = file.get_ints(key::head_count_kv);
  if (!heads.empty() && !kv_heads.empty()) model.group = kv_heads[0] == 0 ? 0 : int(heads[0] / kv_heads[0]);
  model.tied = file.find_tensor("output.weight") == nullptr;
  return model;
}

// By layers and then by names, as recipes count.
std::vector<std::size_t> recipe_order(const std::vector<PlannedTensor>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) {
    const std::string_view name = tensors[i].tensor->name;
    return std::pair(layer_of(name), name);
  });
  return order;
}

void add_importance(const Gguf& file, const ImportanceMatrix& matrix, std::vector<PlannedTensor>& tensors) {
  for (const auto& [name, entry] : matrix.entries) {
    if (name.starts_with("blk.") && file.find_tensor(name) == nullptr) {
      throw Error(
          Errc::mismatch,
          fmt::format("the importance matrix is of another model: {} has no tensor '{}'", file.name(), name));
    }
  }
  for (PlannedTensor& t : tensors) {
    const std::string name(t.tensor->name);
    if (const auto known = matrix.sensitivities.find(name); known != matrix.sensitivities.end())
      t.sensitivity = known->second;
    const auto found = matrix.entries.find(name);
    if (found == matrix.entries.end()) continue;
    const ImportanceEntry& entry = found->second;
    if (entry.means(t.cols(), t.matrices()).empty()) {
      throw Error(Errc::mismatch,
                  fmt::format("the importance matrix is of another model: it has {} columns in"
                              " {} matrices of '{}', {} has {} in {}",
                              entry.sums.size() / entry.counts.size(), entry.counts.size(), t.tensor->name,
                              file.name(), t.cols(), t.matrices()));
    }
    t.importance = &entry;
  }
}

std::vector<PlannedTensor> list_all(const Gguf& file, bool leave_output) {
  const std::set<std::string> vectors = listed_vectors(file);
  std::vector<PlannedTensor> tensors;
  for (const TensorInfo& t : file.tensors()) {
    PlannedTensor& planned = tensors.emplace_back();
    planned.tensor = &t;
    planned.type = t.type_id;
    planned.category = category_of(t.name);
    planned.open = !stays_float(t) && !vectors.contains(std::string(t.name)) &&
                   !(leave_output && planned.category == TensorCategory::output);
  }
  return tensors;
}

const Recipe& recipe_of(const QuantizeOptions& options) {
  const bool target = options.target_bytes > 0 || options.target_bits > 0;
  if (target != options.type.empty())
    throw Error(Errc::range, "either a type or a target must be given, and not both");
  if (target && options.pure)
    throw Error(Errc::range, "a target is met by a mix of types, which pure rules out");
  const Recipe* recipe = find_recipe(target ? "F16" : options.type);
  if (recipe == nullptr) {
    throw Error(Errc::range,
                fmt::format("type '{}' is not known, must be one of {}", options.type, recipe_names()));
  }
  return *recipe;
}

// Types that can be read, and quantized ones only where that was asked for.
void check_source(const Gguf& file, const PlannedTensor& t, bool allow_requantize) {
  const int source = find_format(t.tensor->type_id), target = find_format(t.type);
  const std::string_view from = type_name(t.tensor->type_id), to = type_name(t.type);
  if (source < 0)
    refuse(file, *t.tensor, Errc::unsupported, fmt::format("has type {}, which cannot be read", from));
  if (!can_encode(FormatId(target)))
    refuse(file, *t.tensor, Errc::unsupported, fmt::format("cannot be written as {}", to));
  if (format_info(FormatId(source)).block_elements > 1 && !allow_requantize) {
    refuse(file, *t.tensor, Errc::unsupported,
           fmt::format("is quantized already ({}): as {} it would lose more than from the original weights,"
                       " which has to be allowed",
                       from, to));
  }
}

}  // namespace

std::uint64_t PlannedTensor::bytes_as(std::uint32_t as) const {
  return tensor_bytes(*known_tensor_type(as), tensor->dims).value();
}

std::uint64_t PlannedTensor::bytes() const { return changes() ? bytes_as(type) : tensor->data.size(); }

const FormatInfo& format_named(const std::string& name) {
  const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
  std::string known;
  for (int i = 0; i < kFormatCount; ++i) {
    if (!can_encode(FormatId(i))) continue;
    const FormatInfo& info = format_info(FormatId(i));
    const std::string_view own = info.name;
    if (std::ranges::equal(own, name, same)) return info;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", own);
  }
  throw Error(Errc::range, fmt::format("tensor type '{}' is not known, must be one of {}", name, known));
}

QuantizePlan plan_types(const Gguf& file, const ImportanceMatrix* matrix, const QuantizeOptions& options) {
  const Recipe& recipe = recipe_of(options);
  const Overrides overrides(options);
  QuantizePlan plan{list_all(file, options.leave_output), recipe.file_type};
  overrides.check_use(plan.tensors);
  if (matrix != nullptr) add_importance(file, *matrix, plan.tensors);
  RecipeModel model = model_of(file);
  model.importance = matrix != nullptr;
  const auto values = int(std::ranges::count(plan.tensors, TensorCategory::value, &PlannedTensor::category));
  std::map<TensorCategory, int> seen;
  for (const std::size_t i : recipe_order(plan.tensors)) {
    PlannedTensor& t = plan.tensors[i];
    if (!t.open) continue;
    const std::string_view name = t.tensor->name;
    const RecipeMatrix shape{t.category,         t.cols(), layer_of(name),
                             seen[t.category]++, values,   t.matrices() > 1};
    const FormatInfo* type = overrides.find(name, t.category, model.tied);
    t.ruled = type != nullptr;
    if (type == nullptr) type = options.pure ? recipe.base : &recipe_type(recipe, model, shape);
    const FormatInfo& fitting = fitting_type(*type, t.cols());
    if (&fitting != type) t.wanted = type;
    t.type = fitting.gguf;
    if (t.changes()) check_source(file, t, options.allow_requantize);
  }
  return plan;
}

void check_importance(const Gguf& file, const QuantizePlan& plan) {
  for (const PlannedTensor& t : plan.tensors) {
    if (!t.changes() || !t.inside() || t.importance != nullptr) continue;
    if (needs_importance(FormatId(find_format(t.type)))) {
      refuse(file, *t.tensor, Errc::missing,
             fmt::format("has no importance: as {} it would be of no use without", type_name(t.type)));
    }
  }
}

}  // namespace longhand
