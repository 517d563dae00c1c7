// The interface in C: models from memory and descriptors, and their metadata.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/golden.h"
#include "tests/support/longhand_c.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

// The most likely token after a text.
lh_token next_token(const lh_model* model, lh_error* error) {
  lh_session* made = nullptr;
  lh_session_options options = lh_session_defaults();
  options.context = 64;
  EXPECT_EQ(lh_session_new(model, &options, &made, error), LH_OK);
  const SessionPtr session(made);
  const std::vector<lh_token> text = {5, 9, 200, 31};
  lh_logits logits{};
  EXPECT_EQ(lh_feed(made, {text.data(), text.size()}, &logits, error), LH_OK);
  lh_token_probability best{};
  lh_probability_buffer out = {&best, 1, 0};
  EXPECT_EQ(lh_top_log_probabilities(logits, 1, &out, error), LH_OK);
  float same = 0;
  EXPECT_EQ(lh_log_probability(logits, best.token, &same, error), LH_OK);
  EXPECT_EQ(same, best.log_probability);
  return best.token;
}

MetadataValue cpp_value(const lh_value& value) {
  switch (value.type) {
    case LH_VALUE_INTEGER:
      return value.as.integer;
    case LH_VALUE_NATURAL:
      return value.as.natural;
    case LH_VALUE_NUMBER:
      return value.as.number;
    case LH_VALUE_BOOL:
      return value.as.boolean != 0;
    case LH_VALUE_TEXT:
      break;
  }
  return std::string_view(value.as.text.data, value.as.text.size);
}

TEST_F(LonghandC, LoadsFromMemoryAndDescriptors) {
  const lh_token want = next_token(model(), &error_);
  const std::vector<std::byte> file = read_bytes(kGuide);
  lh_model* made = nullptr;
  ASSERT_EQ(lh_model_load_memory({file.data(), file.size()}, 0, nullptr, &made, &error_), LH_OK)
      << error_.message;
  EXPECT_EQ(next_token(ModelPtr(made).get(), &error_), want);
  {
    const std::vector<std::byte> gone = file;
    ASSERT_EQ(lh_model_load_memory({gone.data(), gone.size()}, 1, nullptr, &made, &error_), LH_OK);
  }
  EXPECT_EQ(next_token(ModelPtr(made).get(), &error_), want);
  const int descriptor = ::open(kGuide, O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(lh_model_load_descriptor(descriptor, nullptr, &made, &error_), LH_OK) << error_.message;
  ASSERT_EQ(::close(descriptor), 0);
  EXPECT_EQ(next_token(ModelPtr(made).get(), &error_), want);

  lh_load_options options = lh_load_defaults();
  options.name = "the blob";
  EXPECT_EQ(lh_model_load_memory({file.data(), 1000}, 0, &options, &made, &error_), LH_E_TRUNCATED);
  EXPECT_THAT(error_.message, HasSubstr("the blob"));
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(lh_model_load_memory({nullptr, 9}, 0, nullptr, &made, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_model_load_descriptor(-1, nullptr, &made, &error_), LH_E_IO);
}

TEST_F(LonghandC, TellsWhatLoadingDoesAndStopsWhenAsked) {
  struct Told {
    std::vector<std::string> lines;
    int after = 1000;
  } told;
  lh_load_options options = lh_load_defaults();
  options.log_user = &told;
  options.log = [](void* user, lh_text line) {
    auto& t = *static_cast<Told*>(user);
    t.lines.emplace_back(line.data, line.size);
    return int(t.lines.size()) > t.after ? 1 : 0;
  };
  lh_model* made = nullptr;
  ASSERT_EQ(lh_model_load(kGuide, &options, &made, &error_), LH_OK);
  lh_model_free(made);
  EXPECT_GE(told.lines.size(), 3u);
  EXPECT_THAT(told.lines[0], HasSubstr("guide"));
  told = {{}, 1};
  EXPECT_EQ(lh_model_load(kGuide, &options, &made, &error_), LH_E_CANCELLED);
  EXPECT_EQ(told.lines.size(), 2u);
  options.log = [](void*, lh_text) -> int { throw std::runtime_error("no"); };
  EXPECT_EQ(lh_model_load(kGuide, &options, &made, &error_), LH_E_CALLBACK);
}

TEST_F(LonghandC, ReadsMetadata) {
  const Model same = Model::load(kGuide);
  ASSERT_EQ(lh_metadata_count(model()), same.metadata_count());
  for (std::size_t i = 0; i < same.metadata_count(); ++i) {
    const MetadataEntry want = same.metadata(i);
    lh_metadata_entry entry;
    entry.size = sizeof entry;
    ASSERT_EQ(lh_metadata_get(model(), i, &entry, &error_), LH_OK);
    EXPECT_EQ(std::string_view(entry.key.data, entry.key.size), want.key);
    EXPECT_EQ(entry.count, want.count);
    EXPECT_EQ(int(entry.type), int(want.type));
    std::size_t number = 0;
    ASSERT_EQ(lh_metadata_find(model(), entry.key, &number, &error_), LH_OK);
    EXPECT_EQ(number, i);
    lh_value_buffer ask = {nullptr, 0, 0};
    EXPECT_EQ(lh_metadata_values(model(), i, &ask, &error_), LH_E_BUFFER);
    std::vector<lh_value> values(ask.size);
    lh_value_buffer out = {values.data(), values.size(), 0};
    ASSERT_EQ(lh_metadata_values(model(), i, &out, &error_), LH_OK);
    ASSERT_EQ(out.size, want.count);
    const std::vector<MetadataValue> wanted = same.metadata_values(i);
    for (std::size_t j = 0; j < wanted.size(); ++j) ASSERT_EQ(cpp_value(values[j]), wanted[j]);
  }
  std::size_t number = 0;
  EXPECT_EQ(lh_metadata_find(model(), lh_string("no.such"), &number, &error_), LH_E_MISSING);
  lh_metadata_entry entry;
  entry.size = sizeof entry;
  EXPECT_EQ(lh_metadata_get(model(), 100000, &entry, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_metadata_count(nullptr), 0u);
}

TEST_F(LonghandC, WritesControlTokensOut) {
  const Model same = Model::load(kGuide);
  const std::vector<lh_token> tokens = same.encode("hello", true, true);
  char text[200];
  lh_text_buffer out = {text, sizeof text, 0};
  lh_token control = -1;
  for (lh_token token = 0; token < same.info().vocab && control < 0; ++token) {
    if (same.piece(token).empty() && !same.piece(token, true).empty()) control = token;
  }
  ASSERT_GE(control, 0);
  ASSERT_EQ(lh_piece_written_out(model(), control, &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), same.piece(control, true));
  ASSERT_EQ(lh_decode_written_out(model(), {&control, 1}, &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), same.piece(control, true));
  ASSERT_EQ(lh_decode(model(), {&control, 1}, &out, &error_), LH_OK);
  EXPECT_EQ(out.size, 0u);
}

TEST_F(LonghandC, RecommendsSamplingAndMakesGrammars) {
  const TempDir dir;
  GgufWriter writer = tiny_llama();
  writer.add("general.sampling.temp", 0.25f);
  writer.write(dir.file("m.gguf"));
  lh_model* made = nullptr;
  ASSERT_EQ(lh_model_load(dir.file("m.gguf").c_str(), nullptr, &made, &error_), LH_OK);
  const ModelPtr holder(made);
  lh_sampler_options options;
  options.size = sizeof options;
  ASSERT_EQ(lh_sampler_recommended(made, &options, &error_), LH_OK);
  EXPECT_EQ(options.temperature, 0.25f);
  EXPECT_EQ(options.top_k, lh_sampler_defaults().top_k);
  lh_sampler* sampler = nullptr;
  ASSERT_EQ(lh_sampler_new(made, &options, &sampler, &error_), LH_OK) << error_.message;
  lh_sampler_free(sampler);

  std::vector<char> text(4096);
  lh_text_buffer out = {text.data(), text.size(), 0};
  ASSERT_EQ(lh_grammar_of_schema(lh_string(R"({"type": "boolean"})"), &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text.data(), out.size), json_schema_to_gbnf(R"({"type": "boolean"})"));
  EXPECT_EQ(lh_grammar_of_schema(lh_string("{"), &out, &error_), LH_E_GRAMMAR);
}

}  // namespace
}  // namespace longhand::test
