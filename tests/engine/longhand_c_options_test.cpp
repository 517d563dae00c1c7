// The interface in C: structs of options of any age, and their defaults.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

TEST_F(LonghandC, DefaultsAreThoseOfCpp) {
  const SessionOptions session;
  const lh_session_options c_session = lh_session_defaults();
  EXPECT_EQ(c_session.size, sizeof c_session);
  EXPECT_EQ(c_session.batch, session.batch);
  EXPECT_EQ(c_session.key_cache, LH_CACHE_F16);
  EXPECT_EQ(c_session.key_cache, int(session.key_cache));
  EXPECT_EQ(c_session.rope_scaling, int(session.rope.scaling));
  EXPECT_EQ(c_session.rope_auto_factor, 0);
  EXPECT_EQ(c_session.rope_factor, session.rope.factor);
  EXPECT_EQ(c_session.sinks, session.attention.sinks);
  EXPECT_EQ(c_session.exact, session.attention.exact);
  EXPECT_EQ(c_session.checkpoints, session.attention.checkpoints);
  EXPECT_EQ(c_session.memory, nullptr);
  const SamplerOptions sampler;
  const lh_sampler_options c_sampler = lh_sampler_defaults();
  EXPECT_EQ(c_sampler.seed, sampler.seed);
  EXPECT_EQ(c_sampler.top_k, sampler.top_k);
  EXPECT_EQ(c_sampler.dry_base, sampler.dry_base);
  EXPECT_EQ(c_sampler.mirostat_eta, sampler.mirostat_eta);
  EXPECT_EQ(lh_generate_defaults().max_tokens, -1);
  EXPECT_EQ(lh_render_defaults().answer, 1);
  EXPECT_EQ(lh_render_defaults().thinking, -1);
  EXPECT_EQ(lh_load_defaults().repack, 1);
  EXPECT_EQ(lh_load_defaults().isa, nullptr);
  EXPECT_EQ(lh_sampler_defaults().grammar, nullptr);
}

TEST_F(LonghandC, AnOlderOptionStructKeepsDefaultsForWhatItLacks) {
  lh_session_options options = small();
  options.size = offsetof(lh_session_options, batch);
  options.size -= options.size % alignof(lh_session_options);
  options.batch = -5;        // beyond its end
  options.memory = "bogus";  // likewise
  const auto made = session(options);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(lh_session_context(made.get()), 256);
  EXPECT_EQ(lh_session_threads(made.get()), 1);
}

TEST_F(LonghandC, ANewerOptionStructMustLeaveUnknownFieldsZero) {
  struct {
    lh_session_options known;
    std::int64_t unknown;
  } newer{};
  lh_options_init(LH_SESSION_OPTIONS, &newer.known, sizeof newer);
  EXPECT_EQ(newer.known.size, sizeof newer);
  EXPECT_EQ(newer.known.batch, 512);
  newer.known.context = 64;
  lh_session* made = nullptr;
  ASSERT_EQ(lh_session_new(model(), &newer.known, &made, &error_), LH_OK) << error_.message;
  lh_session_free(made);
  newer.unknown = 1;
  EXPECT_EQ(lh_session_new(model(), &newer.known, &made, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(made, nullptr);
}

// Programs of every age, in memory of exactly their size.
template <class Options, class Use>
void expect_every_size(lh_options_kind kind, const Use& use) {
  for (std::size_t size = 0; size <= sizeof(Options) + 64; ++size) {
    std::vector<std::max_align_t> room((size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t) + 1);
    auto* options =
        reinterpret_cast<Options*>(reinterpret_cast<std::byte*>(room.data() + room.size()) -
                                   (size + alignof(Options) - 1) / alignof(Options) * alignof(Options));
    lh_options_init(kind, options, size);
    if (size < sizeof(std::size_t)) continue;
    EXPECT_EQ(options->size, size);
    EXPECT_EQ(use(options), size % alignof(Options) == 0 ? LH_OK : LH_E_ARGUMENT) << kind << " " << size;
  }
}

TEST_F(LonghandC, OptionsOfEveryAgeAreReadAsFarAsTheyGo) {
  const TempDir dir;
  const std::string path = dir.file("tiny.gguf");
  const ModelPtr tiny = tiny_model(path);
  ASSERT_NE(tiny, nullptr);
  expect_every_size<lh_load_options>(LH_LOAD_OPTIONS, [&](const lh_load_options* options) {
    lh_model* out = nullptr;
    const lh_status status = lh_model_load(path.c_str(), options, &out, nullptr);
    lh_model_free(out);
    return status;
  });
  lh_session* kept_session = nullptr;
  expect_every_size<lh_session_options>(LH_SESSION_OPTIONS, [&](const lh_session_options* options) {
    lh_session_free(kept_session);
    return lh_session_new(tiny.get(), options, &kept_session, nullptr);
  });
  const SessionPtr s(kept_session);
  lh_sampler* kept_sampler = nullptr;
  expect_every_size<lh_sampler_options>(LH_SAMPLER_OPTIONS, [&](const lh_sampler_options* options) {
    lh_sampler_free(kept_sampler);
    return lh_sampler_new(tiny.get(), options, &kept_sampler, nullptr);
  });
  const SamplerPtr sampler(kept_sampler);
  expect_every_size<lh_chat_options>(LH_CHAT_OPTIONS, [&](const lh_chat_options* options) {
    lh_chat* out = nullptr;
    const lh_status status = lh_chat_new(tiny.get(), options, &out, nullptr);
    lh_chat_free(out);
    return status;
  });
  const auto chat = own_chat();
  char text[1000];
  lh_text_buffer out = {text, sizeof text, 0};
  const lh_message ask = {"user", lh_string("hi"), {nullptr, 0}};
  expect_every_size<lh_render_options>(LH_RENDER_OPTIONS, [&](const lh_render_options* options) {
    return lh_chat_render(chat.get(), {&ask, 1}, options, &out, nullptr);
  });
  const auto own = session();
  expect_every_size<lh_speculation_options>(
      LH_SPECULATION_OPTIONS, [&](const lh_speculation_options* options) {
        lh_speculation* out = nullptr;
        const lh_status status = lh_speculation_new(own.get(), options, &out, nullptr);
        lh_speculation_free(out);
        return status;
      });
  expect_every_size<lh_runner_options>(LH_RUNNER_OPTIONS, [&](const lh_runner_options* options) {
    lh_runner* made = nullptr;
    const lh_status status = lh_runner_new(tiny.get(), options, &made, nullptr);
    lh_runner_free(made);
    return status;
  });
  const lh_session_options little = small();
  expect_every_size<lh_chat_settings>(LH_CHAT_SETTINGS, [&](const lh_chat_settings* settings) {
    lh_chat_session* made = nullptr;
    const lh_status status = lh_chat_session_new(tiny.get(), settings, &little, nullptr, &made, nullptr);
    lh_chat_session_free(made);
    return status;
  });
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  expect_every_size<lh_generate_options>(LH_GENERATE_OPTIONS, [&](lh_generate_options* options) {
    lh_rewind(own.get(), 0, nullptr);
    if (options->size > sizeof options->size + sizeof options->max_tokens) options->max_tokens = 1;
    return lh_generate(own.get(), chooser.get(), view(prompt), options, nullptr, nullptr);
  });
}

TEST_F(LonghandC, OptionsOfNoKindAreZeros) {
  lh_session_options options = lh_session_defaults();
  lh_options_init(lh_options_kind(77), &options, sizeof options);
  EXPECT_EQ(options.size, 0u);
  EXPECT_EQ(options.batch, 0);
  lh_session* made = nullptr;
  EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandC, MetadataIsOverridden) {
  lh_load_options options = lh_load_defaults();
  const char* overrides[] = {"llama.context_length=int:77"};
  options.overrides = overrides;
  options.override_count = 1;
  lh_model* model = nullptr;
  ASSERT_EQ(lh_model_load(LONGHAND_GUIDE "/guide-q8_0.gguf", &options, &model, &error_), LH_OK)
      << error_.message;
  lh_model_info info;
  info.size = sizeof info;
  EXPECT_EQ(lh_model_get_info(model, &info, &error_), LH_OK);
  EXPECT_EQ(info.trained_context, 77);
  lh_model_free(model);
  overrides[0] = "llama.context_length";
  EXPECT_EQ(lh_model_load(LONGHAND_GUIDE "/guide-q8_0.gguf", &options, &model, &error_), LH_E_RANGE);
  EXPECT_EQ(model, nullptr);
}

TEST_F(LonghandC, EveryCacheTypeIsThatOfCpp) {
  const auto tokens = encode("What is the capital of Peru?");
  const Model guide = Model::load(kGuide);
  for (const auto& [c, cpp] : {std::pair{LH_CACHE_F32, CacheType::f32},
                               {LH_CACHE_F16, CacheType::f16},
                               {LH_CACHE_Q8_0, CacheType::q8_0},
                               {LH_CACHE_BF16, CacheType::bf16},
                               {LH_CACHE_Q4_0, CacheType::q4_0},
                               {LH_CACHE_Q4_1, CacheType::q4_1},
                               {LH_CACHE_Q5_0, CacheType::q5_0},
                               {LH_CACHE_Q5_1, CacheType::q5_1},
                               {LH_CACHE_IQ4_NL, CacheType::iq4_nl}}) {
    lh_session_options options = small();
    options.key_cache = options.value_cache = c;
    const auto made = session(options);
    ASSERT_NE(made, nullptr) << c;
    lh_logits got{};
    ASSERT_EQ(lh_feed(made.get(), view(tokens), &got, &error_), LH_OK) << error_.message;
    Session session(guide, {.context = 256, .threads = 1, .key_cache = cpp, .value_cache = cpp});
    EXPECT_TRUE(std::ranges::equal(std::span(got.data, got.size), session.feed(tokens))) << c;
  }
}

TEST_F(LonghandC, ASizeThatNoStructHasIsRefused) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, sizeof(lh_session_options) - 1}) {
    lh_session_options options = small();
    options.size = size;
    lh_session* made = nullptr;
    EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_E_ARGUMENT) << size;
  }
}

// What lies behind a struct that nobody has filled in is not looked at: there may be no memory at all.
TEST_F(LonghandC, ASizeBeyondReasonIsRefused) {
  std::vector<lh_session_options> zeros(100'000 / sizeof(lh_session_options));
  for (const std::size_t size : {std::size_t{4096 + 8}, std::size_t{80'000}}) {
    zeros[0] = small();
    zeros[0].size = size;
    lh_session* made = nullptr;
    EXPECT_EQ(lh_session_new(model(), zeros.data(), &made, &error_), LH_E_ARGUMENT) << size;
    EXPECT_THAT(error_.message, HasSubstr("session options: size is " + std::to_string(size)));
    lh_session_free(made);
  }
  auto options = small();
  options.size = 0xA5A5A5A5A5A5A5A0;
  lh_session* made = nullptr;
  EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_E_ARGUMENT);
  lh_model_info info{};
  info.size = 4096 + 8;
  EXPECT_EQ(lh_model_get_info(model(), &info, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandC, ValuesOutOfRangeAreRefused) {
  lh_session_options options = small();
  options.key_cache = lh_cache_type(9);
  lh_session* made = nullptr;
  EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_E_RANGE);
  EXPECT_THAT(error_.message, HasSubstr("key_cache"));
  lh_sampler_options sampling = lh_sampler_defaults();
  lh_sampler* sampler = nullptr;
  sampling.temperature = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(lh_sampler_new(model(), &sampling, &sampler, &error_), LH_E_RANGE);
  sampling = lh_sampler_defaults();
  sampling.stages = "nosuchstage";
  EXPECT_EQ(lh_sampler_new(model(), &sampling, &sampler, &error_), LH_E_RANGE);
  sampling = lh_sampler_defaults();
  sampling.grammar = "root ::= ";
  sampling.json_schema = "{}";
  EXPECT_EQ(lh_sampler_new(model(), &sampling, &sampler, &error_), LH_E_GRAMMAR);
}

}  // namespace
}  // namespace longhand::test
