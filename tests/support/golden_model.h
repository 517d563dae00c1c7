// Tests of models of the reference data, whose folder under archs/ is the parameter.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "engine/longhand.h"
#include "tests/support/golden.h"

namespace longhand::test {

class GoldenModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string folder = golden(std::string("archs/") + GetParam());
    LONGHAND_NEED_GOLDEN(folder);
    model_.emplace(Model::load(folder + "/model.gguf"));
  }
  const Model& model() const { return *model_; }

 private:
  std::optional<Model> model_;
};

/// The parameter as a name of tests.
inline std::string name_of_arch(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace longhand::test
