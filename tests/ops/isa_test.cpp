// The instruction set a user asks for is the one that runs.
#include "ops/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "ops/error.h"
#include "ops/kernel_table.h"

namespace longhand {
namespace {

class Environment {
 public:
  explicit Environment(const char* value) {
    if (const char* now = std::getenv("LONGHAND_ISA")) before_ = now;
    value == nullptr ? unsetenv("LONGHAND_ISA") : setenv("LONGHAND_ISA", value, 1);
  }
  ~Environment() { before_.empty() ? unsetenv("LONGHAND_ISA") : setenv("LONGHAND_ISA", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST(ChooseKernels, EachAvailableNameGivesItself) {
  for (const Kernels* k : available_kernels()) {
    EXPECT_EQ(&choose_kernels(k->name), k);
    EXPECT_EQ(isa_name(k->isa), k->name);
    const Environment env(k->name);
    EXPECT_EQ(&choose_kernels(), k);
  }
}

TEST(ChooseKernels, TheBestIsTheDefaultAndAnArgumentBeatsTheEnvironment) {
  const Environment none(nullptr);
  EXPECT_EQ(&choose_kernels(), available_kernels().front());
  const Environment env(available_kernels().front()->name);
  EXPECT_EQ(&choose_kernels(available_kernels().back()->name), available_kernels().back());
}

TEST(ChooseKernels, AnUnknownNameIsRefusedAndTheKnownOnesNamed) {
  try {
    choose_kernels("mmx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::unsupported);
    EXPECT_NE(std::string(e.what()).find(available_kernels().back()->name), std::string::npos);
  }
}

}  // namespace
}  // namespace longhand
