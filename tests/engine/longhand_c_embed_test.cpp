// The interface in C: vectors and scores of texts.
#include "engine/longhand_c_embed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

using EmbedderPtr = std::unique_ptr<lh_embedder, Freer<lh_embedder, lh_embedder_free>>;

class LonghandCEmbed : public testing::Test {
 protected:
  LonghandCEmbed() {
    GgufWriter writer = tiny_llama();
    writer.add("llama.attention.causal", false).add("llama.pooling_type", std::uint32_t{1});
    writer.add_array("llama.classifier.output_labels", std::vector<std::string>{"a", "b"});
    writer.tensor("cls.output.weight", {32, 2}, std::vector<float>(64, 0.5f));
    writer.write(path_);
    lh_model* made = nullptr;
    EXPECT_EQ(lh_model_load(path_.c_str(), nullptr, &made, &error_), LH_OK) << error_.message;
    model_.reset(made);
  }
  EmbedderPtr embedder(const lh_embed_options* options = nullptr) {
    lh_embedder* made = nullptr;
    EXPECT_EQ(lh_embedder_new(model_.get(), options, &made, &error_), LH_OK) << error_.message;
    return EmbedderPtr(made);
  }

  TempDir dir_;
  std::string path_ = dir_.file("model.gguf");
  lh_error error_{};
  ModelPtr model_;
};

TEST_F(LonghandCEmbed, GivesWhatCppGives) {
  const auto e = embedder();
  EXPECT_EQ(lh_embedder_width(e.get()), 32);
  EXPECT_EQ(lh_embedder_context(e.get()), 128);
  EXPECT_EQ(lh_embedder_pooling(e.get()), LH_POOLING_MEAN);
  std::vector<float> vector(32);
  lh_float_buffer buffer{vector.data(), vector.size(), 0};
  ASSERT_EQ(lh_embed_text(e.get(), lh_string("ghi"), &buffer, &error_), LH_OK) << error_.message;
  EXPECT_EQ(buffer.size, 32u);
  Embedder cpp(Model::load(path_));
  EXPECT_THAT(vector, ElementsAreArray(cpp.embed("ghi")));
  buffer.capacity = 31;
  EXPECT_EQ(lh_embed_text(e.get(), lh_string("ghi"), &buffer, &error_), LH_E_BUFFER);
  EXPECT_EQ(buffer.size, 32u);
}

TEST_F(LonghandCEmbed, VisitsEveryTextInOrder) {
  const auto e = embedder();
  const std::vector<lh_token> one = {1, 2, 3}, two = {4};
  const std::vector<lh_tokens> texts = {{one.data(), 3}, {two.data(), 1}};
  std::vector<std::size_t> seen;
  const auto visit = [](void* user, std::size_t text, lh_floats vectors) {
    EXPECT_EQ(vectors.size, 32u);
    static_cast<std::vector<std::size_t>*>(user)->push_back(text);
    return 0;
  };
  ASSERT_EQ(lh_embed(e.get(), texts.data(), 2, visit, &seen, &error_), LH_OK) << error_.message;
  EXPECT_THAT(seen, testing::ElementsAre(0u, 1u));
}

TEST_F(LonghandCEmbed, OptionsReachTheLibrary) {
  lh_embed_options options = lh_embed_defaults();
  EXPECT_EQ(options.normalize, 1);
  options.pooling = LH_POOLING_RANK;
  lh_session_options session = lh_session_defaults();
  session.context = 5;
  int told = 0;
  session.progress = [](void* user, std::int32_t, std::int32_t) { return ++*static_cast<int*>(user), 0; };
  session.progress_user = &told;
  options.session = &session;
  const auto e = embedder(&options);
  EXPECT_EQ(lh_embedder_width(e.get()), 2);
  EXPECT_EQ(lh_embedder_context(e.get()), 5);
  EXPECT_STREQ(lh_embedder_label(e.get(), 1), "b");
  EXPECT_EQ(lh_embedder_label(e.get(), 2), nullptr);
  std::vector<lh_token> tokens(8);
  lh_token_buffer buffer{tokens.data(), tokens.size(), 0};
  std::int32_t left_out = 0;
  ASSERT_EQ(lh_embed_encode(e.get(), lh_string("ghijkl"), &buffer, &left_out, &error_), LH_OK);
  EXPECT_EQ(buffer.size, 5u);
  EXPECT_EQ(left_out, 1);
  ASSERT_EQ(lh_embed_encode_pair(e.get(), lh_string("gh"), lh_string("ijkl"), &buffer, nullptr, &error_),
            LH_OK);
  EXPECT_EQ(buffer.size, 5u);
  float scores[2] = {};
  lh_float_buffer out{scores, 2, 0};
  ASSERT_EQ(lh_embed_text(e.get(), lh_string("gh"), &out, &error_), LH_OK) << error_.message;
  EXPECT_EQ(scores[0], scores[1]) << "both labels have the same weights";
  EXPECT_EQ(told, 1);
}

TEST_F(LonghandCEmbed, FailuresAreStatuses) {
  lh_session* session = nullptr;
  EXPECT_EQ(lh_session_new(model_.get(), nullptr, &session, &error_), LH_E_UNSUPPORTED);
  EXPECT_THAT(error_.message, HasSubstr("predicts no tokens"));
  lh_embed_options options = lh_embed_defaults();
  options.pooling = lh_pooling(77);
  lh_embedder* none = nullptr;
  EXPECT_EQ(lh_embedder_new(model_.get(), &options, &none, &error_), LH_E_RANGE);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(lh_embedder_new(nullptr, nullptr, &none, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_embed_text(nullptr, lh_string("a"), nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_embedder_width(nullptr), 0);
  EXPECT_EQ(lh_embedder_label(nullptr, 0), nullptr);
  lh_embedder_cancel(nullptr);

  const auto e = embedder();
  EXPECT_EQ(lh_embed_text(e.get(), lh_string("a"), nullptr, &error_), LH_E_ARGUMENT);
  const lh_token token = 1;
  const lh_tokens text{&token, 1}, empty{nullptr, 0};
  const auto stop = [](void*, std::size_t, lh_floats) { return 1; };
  const auto fail = [](void*, std::size_t, lh_floats) -> int { throw std::runtime_error("no"); };
  EXPECT_EQ(lh_embed(e.get(), &text, 1, stop, nullptr, &error_), LH_E_CANCELLED);
  EXPECT_EQ(lh_embed(e.get(), &text, 1, fail, nullptr, &error_), LH_E_CALLBACK);
  EXPECT_EQ(lh_embed(e.get(), &text, 1, nullptr, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_embed(e.get(), &empty, 1, stop, nullptr, &error_), LH_E_RANGE);
  lh_embedder_cancel(e.get());
  EXPECT_EQ(lh_embed(e.get(), &text, 1, stop, nullptr, &error_), LH_E_CANCELLED);
  lh_embedder_clear_cancel(e.get());
  const auto go_on = [](void*, std::size_t, lh_floats) { return 0; };
  EXPECT_EQ(lh_embed(e.get(), &text, 1, go_on, nullptr, &error_), LH_OK);
}

}  // namespace
}  // namespace longhand::test
