// Recipes give the types that the field's usual quantizer gives: tests/data/recipes.txt has what it was seen
// to choose for models of several shapes, with and without an importance matrix.
#include "engine/make/quantize/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/make/quantize/quantize_plan.h"
#include "ops/encode/encode.h"
#include "ops/format.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

using Types = std::map<std::string, std::string>;

struct SeenModel {
  GgufHead head;
  int layers = 0;
  struct Row {
    std::string recipe;
    bool importance;
    Types types;
  };
  std::vector<Row> rows;
};

// "Q4_K*3,Q6_K" for layers in turn; of a tensor outside the layers one type.
void read_types(Types& types, const std::string& suffix, const std::string& runs) {
  std::istringstream in(runs);
  std::string run;
  int layer = 0;
  while (std::getline(in, run, ',')) {
    const std::size_t star = run.find('*');
    const int count = star == std::string::npos ? 1 : std::stoi(run.substr(star + 1));
    for (int i = 0; i < count; ++i, ++layer) {
      const bool outside = !suffix.starts_with("blk.");
      const std::string name =
          outside ? suffix : "blk." + std::to_string(layer) + suffix.substr(std::string("blk").size());
      types[name] = run.substr(0, star);
    }
  }
}

void add_tensor(SeenModel& model, const std::string& name, const std::vector<std::uint64_t>& dims) {
  std::uint64_t bytes = sizeof(float);
  for (const std::uint64_t dim : dims) bytes *= dim;
  if (!name.starts_with("blk.")) return model.head.tensors.push_back({name, dims, F32::info.gguf, bytes});
  for (int layer = 0; layer < model.layers; ++layer) {
    model.head.tensors.push_back({"blk." + std::to_string(layer) + name.substr(std::string("blk").size()),
                                  dims, F32::info.gguf, bytes});
  }
}

// Lines: "model NAME", "text KEY VALUE", "number KEY VALUE", "tensor NAME DIMS...", and
// "types RECIPE imatrix|- NAME=RUNS ...". Names of tensors inside layers begin with "blk." alone.
std::map<std::string, SeenModel> read_seen() {
  std::map<std::string, SeenModel> models;
  SeenModel* model = nullptr;
  std::ifstream file(LONGHAND_TEST_DATA "/recipes.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string kind, name;
    in >> kind >> name;
    if (kind == "model") model = &models[name];
    if (kind == "text") {
      std::string value;
      in >> value;
      model->head.entries.push_back(gguf_entry(name, value));
    } else if (kind == "number") {
      std::uint32_t value = 0;
      in >> value;
      if (name.ends_with(".block_count")) model->layers = int(value);
      model->head.entries.push_back(gguf_entry(name, value));
    } else if (kind == "tensor") {
      std::vector<std::uint64_t> dims;
      for (std::uint64_t dim = 0; in >> dim;) dims.push_back(dim);
      add_tensor(*model, name, dims);
    } else if (kind == "types") {
      std::string importance, pair;
      in >> importance;
      SeenModel::Row row{name, importance == "imatrix", {}};
      while (in >> pair) {
        const std::size_t equals = pair.find('=');
        read_types(row.types, pair.substr(0, equals), pair.substr(equals + 1));
      }
      model->rows.push_back(std::move(row));
    }
  }
  return models;
}

// A file without weights: they are never looked at.
std::string write_sparse(const test::TempDir& dir, const SeenModel& model) {
  const std::string head = model.head.bytes();
  std::string path = dir.write("model.gguf", head);
  std::uint64_t size = head.size();
  for (const auto& t : model.head.tensors) size += model.head.round_up(t.bytes);
  std::filesystem::resize_file(path, size);
  return path;
}

ImportanceMatrix importance_of(const Gguf& file) {
  ImportanceMatrix matrix;
  for (const TensorInfo& t : file.tensors()) {
    if (!t.name.starts_with("blk.") || stays_float(t)) continue;
    matrix.entries[std::string(t.name)] = {std::vector<float>(t.dims[0] * t.dims[2], 1.0f), {1.0f}};
  }
  return matrix;
}

TEST(Recipe, ChoosesTheTypesThatWereSeen) {
  const auto models = read_seen();
  ASSERT_GE(models.size(), 6u);
  for (const auto& [name, model] : models) {
    const test::TempDir dir;
    const Gguf file = Gguf::open(write_sparse(dir, model));
    const ImportanceMatrix matrix = importance_of(file);
    ASSERT_GT(model.rows.size(), 30u);
    for (const SeenModel::Row& row : model.rows) {
      const QuantizePlan plan = plan_types(file, row.importance ? &matrix : nullptr,
                                           {.type = row.recipe, .allow_requantize = true});
      Types types;
      for (const PlannedTensor& t : plan.tensors)
        types[std::string(t.tensor->name)] = known_tensor_type(t.type)->name;
      EXPECT_EQ(types, row.types) << name << " " << row.recipe << (row.importance ? " with importance" : "");
    }
  }
}

TEST(Recipe, IsFoundByItsNameInLettersOfEitherCase) {
  EXPECT_EQ(find_recipe("q4_k_m")->name, "Q4_K_M");
  EXPECT_EQ(find_recipe("Q4_K")->name, "Q4_K_M");
  EXPECT_EQ(find_recipe("q3_k")->name, "Q3_K_M");
  EXPECT_EQ(find_recipe("Q4_K_X"), nullptr);
  EXPECT_EQ(find_recipe(""), nullptr);
}

TEST(Recipe, FallsBackToTypesThatFitAnyWidth) {
  for (int i = 0; i < kFormatCount; ++i) {
    if (!can_encode(FormatId(i))) continue;
    const FormatInfo& info = format_info(FormatId(i));
    for (std::uint64_t cols = 1; cols <= 1024; ++cols) {
      const FormatInfo& fitting = fitting_type(info, cols);
      EXPECT_EQ(cols % fitting.block_elements, 0u) << info.name << " " << cols;
      if (cols % info.block_elements == 0) { EXPECT_EQ(&fitting, &info); }
      // Where blocks of 32 fit, nothing becomes floats that was not.
      if (cols % 32 == 0 && info.block_elements > 1) {
        EXPECT_GT(fitting.block_elements, 1u) << info.name << " " << cols;
      }
    }
  }
}

}  // namespace
}  // namespace longhand
