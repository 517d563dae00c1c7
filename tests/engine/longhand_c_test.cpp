// The interface in C: statuses, models, their text and what was made from them.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

TEST_F(LonghandC, StatusesHaveTheNamesOfErrors) {
  EXPECT_STREQ(lh_status_name(LH_OK), "OK");
  EXPECT_STREQ(lh_status_name(LH_E_IO), "E_IO");
  EXPECT_STREQ(lh_status_name(LH_E_BUSY), "E_BUSY");
  EXPECT_STREQ(lh_status_name(LH_E_CALLBACK), "E_CALLBACK");
  EXPECT_STREQ(lh_status_name(lh_status(99)), "E_UNKNOWN");
  EXPECT_STREQ(lh_status_name(lh_status(-1)), "E_UNKNOWN");
}

TEST_F(LonghandC, AFileThatIsNoModelIsAnErrorWithItsName) {
  lh_model* loaded = model();
  EXPECT_EQ(lh_model_load("/no/such/file.gguf", nullptr, &loaded, &error_), LH_E_IO);
  EXPECT_EQ(loaded, nullptr);
  EXPECT_EQ(error_.status, LH_E_IO);
  EXPECT_THAT(error_.message, HasSubstr("/no/such/file.gguf"));
  EXPECT_EQ(lh_model_load("/no/such/file.gguf", nullptr, &loaded, nullptr), LH_E_IO)
      << "without a place for it";
}

TEST_F(LonghandC, ALongMessageIsCutAndEnds) {
  const std::string path = "/" + std::string(5000, 'x');
  lh_model* loaded = nullptr;
  EXPECT_EQ(lh_model_load(path.c_str(), nullptr, &loaded, &error_), LH_E_IO);
  EXPECT_LT(std::strlen(error_.message), sizeof error_.message);
}

TEST_F(LonghandC, InfoIsThatOfTheModel) {
  const ModelInfo expected = Model::load(kGuide).info();
  lh_model_info info;
  info.size = sizeof info;
  ASSERT_EQ(lh_model_get_info(model(), &info, &error_), LH_OK);
  EXPECT_EQ(info.name, expected.name);
  EXPECT_EQ(info.architecture, expected.architecture);
  EXPECT_EQ(info.parameters, expected.parameters);
  EXPECT_EQ(info.kv_heads, expected.kv_heads);
  EXPECT_EQ(lh_model_warning(model(), expected.warnings.size()), nullptr);
}

TEST_F(LonghandC, AnOlderResultStructIsFilledAsFarAsItGoes) {
  lh_model_info info;
  std::memset(&info, 0x55, sizeof info);
  info.size = offsetof(lh_model_info, architecture);
  ASSERT_EQ(lh_model_get_info(model(), &info, &error_), LH_OK);
  EXPECT_EQ(info.size, offsetof(lh_model_info, architecture));
  EXPECT_NE(info.name[0], '\0');
  std::uint64_t untouched;
  std::memset(&untouched, 0x55, sizeof untouched);
  EXPECT_EQ(info.parameters, untouched);
}

TEST_F(LonghandC, EncodesAndDecodesLikeTheModel) {
  const Model same = Model::load(kGuide);
  const std::vector<lh_token> tokens = encode("The capital of Peru");
  EXPECT_THAT(tokens, ElementsAreArray(same.encode("The capital of Peru")));
  char text[64];
  lh_text_buffer out = {text, sizeof text, 0};
  ASSERT_EQ(lh_decode(model(), view(tokens), &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), same.decode(tokens));
  ASSERT_EQ(lh_piece(model(), tokens.back(), &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), same.piece(tokens.back()));
}

TEST_F(LonghandC, ASmallBufferIsToldWhatIsNeeded) {
  lh_token_buffer ask = {nullptr, 0, 0};
  EXPECT_EQ(lh_encode(model(), lh_string("The capital of Peru"), LH_ENCODE_SPECIAL, &ask, &error_),
            LH_E_BUFFER);
  EXPECT_EQ(ask.size, encode("The capital of Peru").size());
  lh_token one = -7;
  lh_token_buffer small = {&one, 1, 0};
  EXPECT_EQ(lh_encode(model(), lh_string("The capital of Peru"), LH_ENCODE_SPECIAL, &small, &error_),
            LH_E_BUFFER);
  EXPECT_EQ(one, -7) << "nothing is written";
  lh_token_buffer broken = {nullptr, 100, 0};
  EXPECT_EQ(lh_encode(model(), lh_string("Peru"), 0, &broken, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandC, NoTokenIsARangeError) {
  char text[64];
  lh_text_buffer out = {text, sizeof text, 0};
  for (const lh_token token :
       {-1, std::numeric_limits<lh_token>::max(), std::numeric_limits<lh_token>::min()}) {
    EXPECT_EQ(lh_piece(model(), token, &out, &error_), LH_E_RANGE);
    EXPECT_EQ(lh_decode(model(), {&token, 1}, &out, &error_), LH_E_RANGE);
    EXPECT_EQ(lh_ends_generation(model(), token), 0);
  }
}

TEST_F(LonghandC, LoadingStopsOnRequest) {
  struct Calls {
    int count = 0;
    bool throws = false;
  } calls;
  lh_load_options options = lh_load_defaults();
  options.progress_user = &calls;
  options.progress = [](void* user, float share) {
    auto& c = *static_cast<Calls*>(user);
    ++c.count;
    EXPECT_GE(share, 0);
    if (c.throws) throw 1;
    return 1;
  };
  lh_model* loaded = nullptr;
  EXPECT_EQ(lh_model_load(kGuide, &options, &loaded, &error_), LH_E_CANCELLED);
  EXPECT_EQ(calls.count, 1);
  calls.throws = true;
  EXPECT_EQ(lh_model_load(kGuide, &options, &loaded, &error_), LH_E_CALLBACK);
  EXPECT_EQ(loaded, nullptr);
}

TEST_F(LonghandC, WhatWasMadeFromAModelOutlivesIt) {
  lh_model* own = nullptr;
  ASSERT_EQ(lh_model_load(kGuide, nullptr, &own, &error_), LH_OK);
  lh_session_options options = small();
  lh_session* s = nullptr;
  lh_sampler* chooser = nullptr;
  ASSERT_EQ(lh_session_new(own, &options, &s, &error_), LH_OK);
  ASSERT_EQ(lh_sampler_new(own, nullptr, &chooser, &error_), LH_OK);
  lh_model_free(own);
  const SessionPtr kept(s);
  const SamplerPtr kept_sampler(chooser);
  lh_generate_options generating = lh_generate_defaults();
  generating.max_tokens = 3;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  EXPECT_EQ(lh_generate(s, chooser, view(prompt), &generating, nullptr, &error_), LH_OK) << error_.message;
}

}  // namespace
}  // namespace longhand::test
