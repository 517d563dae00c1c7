// The interface in C: adapters and control vectors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"
#include "tests/support/lora.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

class LonghandCAdapter : public LonghandC {
 protected:
  void SetUp() override {
    const Model guide = Model::load(kGuide);
    file_ = random_lora(guide, {.rank = 4, .alpha = 4}).bytes();
    ASSERT_EQ(lh_adapter_load_memory(model(), {file_.data(), file_.size()}, &adapter_, &error_), LH_OK)
        << error_.message;
  }
  void TearDown() override { lh_adapter_free(adapter_); }

  std::vector<float> logits_of(lh_session* session) {
    lh_logits last{};
    EXPECT_EQ(lh_feed(session, view(encode("The capital of Peru")), &last, &error_), LH_OK) << error_.message;
    return {last.data, last.data + last.size};
  }

  std::vector<std::byte> file_;
  lh_adapter* adapter_ = nullptr;
};

TEST_F(LonghandCAdapter, ChangesASessionAsInCpp) {
  const Model guide = Model::load(kGuide);
  Session expected(guide, {.context = 256, .threads = 1});
  const std::vector<AdapterUse> uses = {{Adapter::load_memory(guide, file_), 0.25f}};
  expected.set_adapters(uses);
  const auto s = session(), plain = session();
  const lh_adapter_use use = {adapter_, 0.25f};
  ASSERT_EQ(lh_session_set_adapters(s.get(), &use, 1, nullptr, 0, &error_), LH_OK) << error_.message;
  const auto want = expected.feed(encode("The capital of Peru"));
  EXPECT_THAT(logits_of(s.get()), testing::ElementsAreArray(want));
  EXPECT_NE(logits_of(plain.get()), std::vector<float>(want.begin(), want.end()));
  EXPECT_EQ(lh_session_set_adapters(s.get(), nullptr, 0, nullptr, 0, &error_), LH_E_BUSY);
  EXPECT_THAT(error_.message, HasSubstr("tokens"));
  ASSERT_EQ(lh_rewind(s.get(), 0, &error_), LH_OK);
  EXPECT_EQ(lh_session_set_adapters(s.get(), nullptr, 0, nullptr, 0, &error_), LH_OK);
}

TEST_F(LonghandCAdapter, SaysWhatItIs) {
  const lh_adapter_info info = lh_adapter_about(adapter_);
  EXPECT_EQ(std::string(info.name.data, info.name.size), "memory");
  EXPECT_EQ(info.rank, 4);
  EXPECT_EQ(info.alpha, 4);
  EXPECT_GT(info.tensors, 0);
  EXPECT_GT(info.bytes, 0u);
  EXPECT_EQ(lh_adapter_about(nullptr).tensors, 0);
}

TEST_F(LonghandCAdapter, SteersWithControlVectors) {
  const TempDir dir;
  const Model guide = Model::load(kGuide);
  GgufWriter w;
  w.tensor("direction.1", {std::uint64_t(guide.info().hidden)},
           std::vector<float>(std::size_t(guide.info().hidden), 0.5f));
  w.write(dir.file("v.gguf"));
  lh_control_vector* vector = nullptr;
  ASSERT_EQ(lh_control_vector_load(model(), dir.file("v.gguf").c_str(), &vector, &error_), LH_OK)
      << error_.message;
  lh_control_vector* from_memory = nullptr;
  const std::vector<std::byte> bytes = w.bytes();
  ASSERT_EQ(lh_control_vector_load_memory(model(), {bytes.data(), bytes.size()}, &from_memory, &error_),
            LH_OK)
      << error_.message;
  const auto steered = session(), elsewhere = session(), plain = session(), alike = session();
  lh_control_use use = {from_memory, 1, 0, 0};
  ASSERT_EQ(lh_session_set_adapters(alike.get(), nullptr, 0, &use, 1, &error_), LH_OK) << error_.message;
  lh_control_vector_free(from_memory);
  use.vector = vector;
  ASSERT_EQ(lh_session_set_adapters(steered.get(), nullptr, 0, &use, 1, &error_), LH_OK) << error_.message;
  use.first_layer = use.last_layer = 2;
  ASSERT_EQ(lh_session_set_adapters(elsewhere.get(), nullptr, 0, &use, 1, &error_), LH_OK);
  use.last_layer = 1;
  EXPECT_EQ(lh_session_set_adapters(plain.get(), nullptr, 0, &use, 1, &error_), LH_E_RANGE);
  lh_control_vector_free(vector);
  const std::vector<float> unchanged = logits_of(plain.get());
  const std::vector<float> changed = logits_of(steered.get());
  EXPECT_NE(changed, unchanged);
  EXPECT_EQ(logits_of(alike.get()), changed);
  EXPECT_EQ(logits_of(elsewhere.get()), unchanged);
}

TEST_F(LonghandCAdapter, RefusesWhatIsNone) {
  lh_adapter* none = adapter_;
  EXPECT_EQ(lh_adapter_load(model(), "/nowhere/a.gguf", &none, &error_), LH_E_IO);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(lh_adapter_load(nullptr, "a", &none, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_adapter_load(model(), nullptr, &none, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_adapter_load(model(), "a", nullptr, &error_), LH_E_ARGUMENT);
  lh_control_vector* vector = nullptr;
  EXPECT_EQ(lh_control_vector_load(model(), kGuide, &vector, &error_), LH_E_RANGE) << error_.message;
  EXPECT_EQ(lh_control_vector_load_memory(model(), {nullptr, 3}, &vector, &error_), LH_E_ARGUMENT);
  const auto s = session();
  lh_adapter_use use = {nullptr, 1};
  EXPECT_EQ(lh_session_set_adapters(s.get(), &use, 1, nullptr, 0, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_set_adapters(s.get(), nullptr, 1, nullptr, 0, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_set_adapters(nullptr, nullptr, 0, nullptr, 0, &error_), LH_E_ARGUMENT);
  use = {adapter_, std::nanf("")};
  EXPECT_EQ(lh_session_set_adapters(s.get(), &use, 1, nullptr, 0, &error_), LH_E_RANGE);
  lh_adapter_free(nullptr);
  lh_control_vector_free(nullptr);
}

}  // namespace
}  // namespace longhand::test
