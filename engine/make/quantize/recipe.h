// Recipes: which tensor types a file of some name mixes. Q4_K_M is mostly Q4_K, but some matrices have more
// bits. They are those of the field's usual quantizer, so that a name means the same everywhere.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/make/quantize/tensor_category.h"
#include "ops/format_info.h"

namespace longhand {

struct Recipe {
  std::string_view name;    // as file names have it
  const FormatInfo* base;   // of every matrix no rule names
  std::uint32_t file_type;  // general.file_type
};

std::span<const Recipe> recipes() noexcept;
/// Also by names that stand for another ("Q4_K": Q4_K_M), in letters of either case; nullptr for an unknown
/// one.
const Recipe* find_recipe(std::string_view name);
/// "F32, F16, ..."
std::string recipe_names();

/// What rules ask about a model.
struct RecipeModel {
  std::string_view architecture;  // general.architecture
  int layers = 0;
  int group = 1;  // query heads per kv head of the first layer; 0: it has none
  int experts = 0;
  bool tied = false;        // the output head is the embedding
  bool importance = false;  // an importance matrix is there
};

/// What rules ask about a matrix.
struct RecipeMatrix {
  TensorCategory category = TensorCategory::other;
  std::uint64_t cols = 0;
  int layer = 0;         // -1: of none
  int number = 0;        // among those of its category, in the order of layers
  int values = 1;        // how many are of category value
  bool experts = false;  // the matrices of several experts in one tensor
};

/// The type a recipe wants, whether or not the columns are whole blocks of it.
const FormatInfo& recipe_type(const Recipe& recipe, const RecipeModel& model,
                              const RecipeMatrix& matrix) noexcept;
/// `type`, or what takes its place where `cols` are no whole blocks of it; F16 fits always.
const FormatInfo& fitting_type(const FormatInfo& type, std::uint64_t cols) noexcept;

}  // namespace longhand
