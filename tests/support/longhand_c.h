// A model, sessions and samplers behind the interface in C.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/longhand_c.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {

inline constexpr const char* kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

template <class Handle, void (*kFree)(Handle*)>
struct Freer {
  void operator()(Handle* handle) const { kFree(handle); }
};
using ModelPtr = std::unique_ptr<lh_model, Freer<lh_model, lh_model_free>>;
using SessionPtr = std::unique_ptr<lh_session, Freer<lh_session, lh_session_free>>;
using SamplerPtr = std::unique_ptr<lh_sampler, Freer<lh_sampler, lh_sampler_free>>;
using SpeculationPtr = std::unique_ptr<lh_speculation, Freer<lh_speculation, lh_speculation_free>>;
using RunnerPtr = std::unique_ptr<lh_runner, Freer<lh_runner, lh_runner_free>>;
using ChatSessionPtr = std::unique_ptr<lh_chat_session, Freer<lh_chat_session, lh_chat_session_free>>;
using ChatPtr = std::unique_ptr<lh_chat, Freer<lh_chat, lh_chat_free>>;

class LonghandC : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    lh_model* loaded = nullptr;
    lh_error error{};
    ASSERT_EQ(lh_model_load(kGuide, nullptr, &loaded, &error), LH_OK) << error.message;
    model_holder_.reset(loaded);
  }
  static void TearDownTestSuite() { model_holder_.reset(); }

  static lh_model* model() { return model_holder_.get(); }
  /// Another model, written to `path` first.
  ModelPtr tiny_model(const std::string& path) {
    tiny_llama().write(path);
    lh_model* made = nullptr;
    EXPECT_EQ(lh_model_load(path.c_str(), nullptr, &made, &error_), LH_OK) << error_.message;
    return ModelPtr(made);
  }

  SessionPtr session(lh_session_options options) {
    lh_session* made = nullptr;
    EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_OK) << error_.message;
    return SessionPtr(made);
  }
  SessionPtr session() { return session(small()); }
  static lh_session_options small() {
    lh_session_options options = lh_session_defaults();
    options.context = 256;
    options.threads = 1;
    return options;
  }
  SamplerPtr greedy() {
    lh_sampler_options options = lh_sampler_defaults();
    options.temperature = 0;
    lh_sampler* made = nullptr;
    EXPECT_EQ(lh_sampler_new(model(), &options, &made, &error_), LH_OK) << error_.message;
    return SamplerPtr(made);
  }
  SpeculationPtr speculation(const lh_session* session, const lh_speculation_options* options = nullptr) {
    lh_speculation* made = nullptr;
    EXPECT_EQ(lh_speculation_new(session, options, &made, &error_), LH_OK) << error_.message;
    return SpeculationPtr(made);
  }
  ChatPtr own_chat() {
    lh_chat* made = nullptr;
    EXPECT_EQ(lh_chat_new(model(), nullptr, &made, &error_), LH_OK) << error_.message;
    return ChatPtr(made);
  }
  std::vector<lh_token> encode(const char* text) {
    std::vector<lh_token> tokens(256);
    lh_token_buffer out = {tokens.data(), tokens.size(), 0};
    EXPECT_EQ(lh_encode(model(), lh_string(text), LH_ENCODE_SPECIAL, &out, &error_), LH_OK) << error_.message;
    tokens.resize(out.size);
    return tokens;
  }
  static lh_tokens view(const std::vector<lh_token>& tokens) { return {tokens.data(), tokens.size()}; }

  lh_error error_{};

 private:
  static inline ModelPtr model_holder_;
};

}  // namespace longhand::test
