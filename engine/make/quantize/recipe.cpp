#include "engine/make/quantize/recipe.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "ops/format.h"

namespace longhand {
namespace {

constexpr Recipe kRecipes[] = {
    {"F32", &F32::info, 0},          {"F16", &F16::info, 1},        {"BF16", &BF16::info, 32},
    {"Q4_0", &Q4_0::info, 2},        {"Q4_1", &Q4_1::info, 3},      {"Q5_0", &Q5_0::info, 8},
    {"Q5_1", &Q5_1::info, 9},        {"Q8_0", &Q8_0::info, 7},      {"Q2_K", &Q2_K::info, 10},
    {"Q2_K_S", &Q2_K::info, 21},     {"Q3_K_S", &Q3_K::info, 11},   {"Q3_K_M", &Q3_K::info, 12},
    {"Q3_K_L", &Q3_K::info, 13},     {"Q4_K_S", &Q4_K::info, 14},   {"Q4_K_M", &Q4_K::info, 15},
    {"Q5_K_S", &Q5_K::info, 16},     {"Q5_K_M", &Q5_K::info, 17},   {"Q6_K", &Q6_K::info, 18},
    {"IQ1_S", &IQ1_S::info, 24},     {"IQ1_M", &IQ1_M::info, 31},   {"IQ2_XXS", &IQ2_XXS::info, 19},
    {"IQ2_XS", &IQ2_XS::info, 20},   {"IQ2_S", &IQ2_XS::info, 28},  {"IQ2_M", &IQ2_S::info, 29},
    {"IQ3_XXS", &IQ3_XXS::info, 23}, {"IQ3_XS", &IQ3_S::info, 22},  {"IQ3_S", &IQ3_S::info, 26},
    {"IQ3_M", &IQ3_S::info, 27},     {"IQ4_XS", &IQ4_XS::info, 30}, {"IQ4_NL", &IQ4_NL::info, 25},
    {"TQ1_0", &TQ1_0::info, 36},     {"TQ2_0", &TQ2_0::info, 37},   {"MXFP4_MOE", &MXFP4::info, 38},
    {"NVFP4", &NVFP4::info, 39},     {"Q1_0", &Q1_0::info, 40},     {"Q2_0", &Q2_0::info, 41},
};
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"Q3_K", "Q3_K_M"}, {"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_M"}};

/// A bit for each recipe of these names; a name that is none does not compile.
using RecipeSet = std::uint64_t;
template <class... Names>
consteval RecipeSet in(Names... names) {
  RecipeSet set = 0;
  for (const std::string_view name : {std::string_view(names)...}) {
    std::size_t at = 0;
    while (kRecipes[at].name != name) ++at;
    set |= RecipeSet{1} << at;
  }
  return set;
}
constexpr RecipeSet kAll = ~RecipeSet{0};
// One to two and a half bits a weight.
constexpr RecipeSet kLow = in("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M");

enum class Layers : std::uint8_t { all, first_2, first_4, first_16th, first_8th, more_bits, middle };
enum class Experts : std::uint8_t { any, eight, four_and_more };
enum class Matrix : std::uint8_t { any, with_importance, without_importance };

struct When {
  Layers layers = Layers::all;
  int least_group = 0;  // of RecipeModel
  Experts experts = Experts::any;
  Matrix importance = Matrix::any;
  bool by_number = false;              // layers are counted by RecipeMatrix::number whatever the model
  std::string_view architecture = {};  // empty: any
};

struct Rule {
  RecipeSet recipes;
  TensorCategory category;
  const FormatInfo* type;  // null: the base
  When when = {};
};

constexpr auto kValue = TensorCategory::value;
constexpr auto kKey = TensorCategory::key;
constexpr auto kQuery = TensorCategory::query;
constexpr auto kOut = TensorCategory::attention_output;
constexpr auto kDown = TensorCategory::ffn_down;
constexpr When kFirst8th{.layers = Layers::first_8th};
constexpr When kFirst8thByNumber{.layers = Layers::first_8th, .by_number = true};
constexpr When kMoreBits{.layers = Layers::more_bits};
constexpr When kSharedKeys{.least_group = 4};
constexpr When kEight{.experts = Experts::eight};

// The first that fits counts.
constexpr Rule kRules[] = {
    {in("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), TensorCategory::embedding, &Q2_K::info},
    {in("IQ2_S", "IQ2_M", "IQ3_XXS"), TensorCategory::embedding, &IQ3_S::info},
    {in("TQ1_0", "TQ2_0", "Q2_0"), TensorCategory::embedding, &Q4_K::info},

    // Values: few weights where heads share them, and much depends on them.
    {kLow, kValue, &Q4_K::info, kSharedKeys},
    {kLow, kValue, &Q4_K::info, {.experts = Experts::four_and_more}},
    {in("IQ2_S", "IQ2_M"), kValue, &IQ3_S::info},
    {kLow, kValue, &Q2_K::info},
    {kAll & ~kLow, kValue, &Q8_0::info, kEight},
    {in("Q2_K", "Q2_K_S"), kValue, &Q4_K::info, kSharedKeys},
    {in("Q2_K"), kValue, &Q3_K::info},
    {in("IQ3_XXS", "IQ3_XS", "IQ3_S"), kValue, &Q4_K::info, kSharedKeys},
    {in("IQ3_XXS"), kValue, &IQ3_S::info, {.importance = Matrix::without_importance}},
    {in("IQ3_M"), kValue, &Q4_K::info},
    {in("Q3_K_M"), kValue, &Q5_K::info, {.layers = Layers::first_2}},
    {in("Q3_K_M"), kValue, &Q4_K::info},
    {in("Q3_K_L"), kValue, &Q5_K::info},
    {in("IQ4_NL", "IQ4_XS"), kValue, &Q5_K::info, kSharedKeys},
    {in("Q4_K_M", "Q5_K_M"), kValue, &Q6_K::info, kMoreBits},
    {in("Q4_K_S"), kValue, &Q5_K::info, {.layers = Layers::first_4}},

    {kLow, kKey, &Q4_K::info, kEight},
    {kAll & ~kLow, kKey, &Q8_0::info, kEight},
    {in("IQ3_XS"), kKey, &IQ3_XXS::info},
    {in("IQ3_XXS"), kKey, &IQ2_S::info},
    {in("IQ3_XS"), kQuery, &IQ3_XXS::info},
    {in("IQ3_XXS"), kQuery, &IQ2_S::info},

    {in("Q3_K_M"), kDown, &Q5_K::info, {.layers = Layers::first_16th, .architecture = "falcon"}},
    {in("Q3_K_M"), kDown, &Q4_K::info, {.layers = Layers::more_bits, .architecture = "falcon"}},
    {in("Q3_K_L"), kDown, &Q4_K::info, {.architecture = "falcon"}},
    {in("Q4_K_M"), kDown, &Q6_K::info, {.layers = Layers::first_16th, .architecture = "falcon"}},
    {in("Q4_K_M"), kDown, &Q5_K::info, {.layers = Layers::more_bits, .architecture = "falcon"}},
    {in("Q3_K_M", "Q4_K_M", "Q4_K_S"), kDown, nullptr, {.architecture = "falcon"}},
    {in("IQ2_S", "IQ2_M"), kDown, &IQ3_S::info, kFirst8thByNumber},
    {kLow, kDown, &Q2_K::info, kFirst8thByNumber},
    {in("Q2_K"), kDown, &Q3_K::info},
    {in("Q2_K_S"), kDown, &Q4_K::info, kFirst8th},
    {in("IQ3_XXS"),
     kDown,
     &Q4_K::info,
     {.layers = Layers::first_8th, .importance = Matrix::without_importance}},
    {in("IQ3_XXS"), kDown, &Q3_K::info, {.importance = Matrix::without_importance}},
    {in("Q3_K_M"), kDown, &Q5_K::info, {.layers = Layers::first_16th}},
    {in("Q3_K_M"), kDown, &Q4_K::info},
    {in("Q3_K_L"), kDown, &Q5_K::info},
    {in("IQ3_M"), kDown, &Q4_K::info, kFirst8th},
    {in("IQ3_M"), kDown, &Q4_K::info, {.layers = Layers::more_bits, .experts = Experts::eight}},
    {in("Q4_K_M", "Q5_K_M"), kDown, &Q6_K::info, kMoreBits},
    {in("IQ4_NL", "IQ4_XS"),
     kDown,
     &Q5_K::info,
     {.layers = Layers::first_8th, .importance = Matrix::without_importance}},
    {in("Q4_K_S"), kDown, &Q5_K::info, kFirst8th},
    // Even with an importance matrix the first of these can go wrong.
    {in("Q4_0"), kDown, &Q4_1::info, {.layers = Layers::first_8th, .importance = Matrix::with_importance}},
    {in("Q5_0"), kDown, &Q5_1::info, {.layers = Layers::first_8th, .importance = Matrix::with_importance}},

    {in("Q3_K_L"), kOut, &Q4_K::info, {.architecture = "falcon"}},
    {kAll & ~kLow, kOut, nullptr, {.architecture = "falcon"}},
    {kLow | in("Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S",
               "IQ3_M", "IQ4_XS"),
     kOut, &Q5_K::info, kEight},
    {kAll, kOut, nullptr, kEight},
    {in("IQ1_S", "IQ1_M"), kOut, &IQ2_XXS::info},
    {in("IQ2_S", "IQ2_M", "IQ3_XXS"), kOut, &IQ3_S::info},
    {in("Q2_K"), kOut, &Q3_K::info},
    {in("Q3_K_M", "IQ3_M"), kOut, &Q4_K::info},
    {in("Q3_K_L"), kOut, &Q5_K::info},

    {in("IQ3_XS"), TensorCategory::ffn_up, &IQ3_XXS::info, {.layers = Layers::middle}},
    {in("IQ3_XS"), TensorCategory::ffn_gate, &IQ3_XXS::info, {.layers = Layers::middle}},
};

/// Number `i` of `n` layers.
bool chosen(Layers which, int i, int n) noexcept {
  const int eighth = n / 8;
  switch (which) {
    case Layers::all:
      return true;
    case Layers::first_2:
      return i < 2;
    case Layers::first_4:
      return i < 4;
    case Layers::first_16th:
      return i < n / 16;
    case Layers::first_8th:
      return i < eighth;
    // Both ends, where errors cost most, and every third layer between: half of them all.
    case Layers::more_bits:
      return i < eighth || i >= 7 * n / 8 || (i - eighth) % 3 == 2;
    case Layers::middle:
      return i >= eighth && i < 7 * n / 8;
  }
  return false;
}

bool holds(const When& when, const RecipeModel& model, const RecipeMatrix& matrix) noexcept {
  if (!when.architecture.empty() && when.architecture != model.architecture) return false;
  if (model.group < when.least_group) return false;
  if (when.experts == Experts::eight && model.experts != 8) return false;
  if (when.experts == Experts::four_and_more && model.experts < 4) return false;
  if (when.importance != Matrix::any && (when.importance == Matrix::with_importance) != model.importance)
    return false;
  if (matrix.category == TensorCategory::value) return chosen(when.layers, matrix.number, matrix.values);
  // Models with experts may have several matrices of a category in a layer.
  const bool by_layer = model.experts > 1 && !when.by_number;
  return chosen(when.layers, by_layer ? matrix.layer : matrix.number, model.layers);
}

const FormatInfo& head_type(const Recipe& recipe, const RecipeModel& model, std::uint64_t cols) noexcept {
  constexpr RecipeSet kFive = kLow | in("IQ3_XXS");
  const auto number = std::size_t(&recipe - kRecipes);
  if (recipe.base == &MXFP4::info || recipe.base == &Q8_0::info) return Q8_0::info;
  if (model.architecture == "falcon" || cols % recipe.base->block_elements != 0) return Q8_0::info;
  return (kFive >> number & 1) != 0 ? Q5_K::info : Q6_K::info;
}

// Heads of a model of this size share their values among eight: they are small, and worth more bits.
const FormatInfo& with_shared_values(const RecipeModel& model, const FormatInfo& type) noexcept {
  constexpr int kLayersOf70B = 80;
  const bool raised = type.gguf == Q3_K::info.gguf || type.gguf == Q4_K::info.gguf;
  return raised && model.layers == kLayersOf70B && model.group > 1 ? Q5_K::info : type;
}

struct Fallback {
  const FormatInfo *type, *instead;
};
constexpr Fallback kFallbacks[] = {
    {&IQ1_S::info, &IQ4_NL::info},  {&IQ1_M::info, &IQ4_NL::info},  {&IQ2_XXS::info, &IQ4_NL::info},
    {&IQ2_XS::info, &IQ4_NL::info}, {&IQ2_S::info, &IQ4_NL::info},  {&IQ3_XXS::info, &IQ4_NL::info},
    {&IQ3_S::info, &IQ4_NL::info},  {&IQ4_XS::info, &IQ4_NL::info}, {&Q1_0::info, &Q4_0::info},
    {&Q2_0::info, &Q4_0::info},     {&Q2_K::info, &Q4_0::info},     {&Q3_K::info, &Q4_0::info},
    {&TQ1_0::info, &Q4_0::info},    {&TQ2_0::info, &Q4_0::info},    {&NVFP4::info, &Q4_0::info},
    {&Q4_K::info, &Q5_0::info},     {&Q5_K::info, &Q5_1::info},     {&Q6_K::info, &Q8_0::info},
};

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, {}, upper, upper);
}

}  // namespace

std::span<const Recipe> recipes() noexcept { return kRecipes; }

const Recipe* find_recipe(std::string_view name) {
  for (const auto& [alias, meant] : kAliases) {
    if (same_name(name, alias)) name = meant;
  }
  const auto found = std::ranges::find_if(kRecipes, [&](const Recipe& r) { return same_name(r.name, name); });
  return found == std::end(kRecipes) ? nullptr : &*found;
}

std::string recipe_names() {
  std::string names;
  for (const Recipe& recipe : kRecipes) names += (names.empty() ? "" : ", ") + std::string(recipe.name);
  return names;
}

const FormatInfo& recipe_type(const Recipe& recipe, const RecipeModel& model,
                              const RecipeMatrix& matrix) noexcept {
  const FormatInfo& base = *recipe.base;
  if (base.block_elements == 1) return base;  // floats
  const bool head = matrix.category == TensorCategory::output ||
                    (model.tied && matrix.category == TensorCategory::embedding);
  if (head) return head_type(recipe, model, matrix.cols);
  if (&base == &MXFP4::info) return matrix.experts ? MXFP4::info : Q8_0::info;
  const auto number = std::size_t(&recipe - kRecipes);
  const FormatInfo* type = &base;
  for (const Rule& rule : kRules) {
    if ((rule.recipes >> number & 1) == 0 || rule.category != matrix.category) continue;
    if (!holds(rule.when, model, matrix)) continue;
    if (rule.type != nullptr) type = rule.type;
    break;
  }
  const bool low = (kLow >> number & 1) != 0;
  if (matrix.category == TensorCategory::value && !low) return with_shared_values(model, *type);
  return *type;
}

const FormatInfo& fitting_type(const FormatInfo& type, std::uint64_t cols) noexcept {
  const auto fits = [&](const FormatInfo& t) { return cols % t.block_elements == 0; };
  if (fits(type)) return type;
  const auto fallback = std::ranges::find(kFallbacks, &type, &Fallback::type);
  if (fallback != std::end(kFallbacks) && fits(*fallback->instead)) return *fallback->instead;
  return F16::info;
}

}  // namespace longhand
