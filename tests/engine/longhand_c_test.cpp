// The interface in C: what callers get for right and for wrong arguments.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/longhand.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

const char* const kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

template <class Handle, void (*kFree)(Handle*)>
struct Freer {
  void operator()(Handle* handle) const { kFree(handle); }
};
using ModelPtr = std::unique_ptr<lh_model, Freer<lh_model, lh_model_free>>;
using SessionPtr = std::unique_ptr<lh_session, Freer<lh_session, lh_session_free>>;
using SamplerPtr = std::unique_ptr<lh_sampler, Freer<lh_sampler, lh_sampler_free>>;
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

TEST_F(LonghandC, StatusesHaveTheNamesOfErrors) {
  EXPECT_STREQ(lh_status_name(LH_OK), "OK");
  EXPECT_STREQ(lh_status_name(LH_E_IO), "E_IO");
  EXPECT_STREQ(lh_status_name(LH_E_BUSY), "E_BUSY");
  EXPECT_STREQ(lh_status_name(LH_E_CALLBACK), "E_CALLBACK");
  EXPECT_STREQ(lh_status_name(static_cast<lh_status>(99)), "E_UNKNOWN");
  EXPECT_STREQ(lh_status_name(static_cast<lh_status>(-1)), "E_UNKNOWN");
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

TEST_F(LonghandC, NullIsAnErrorEverywhereAndFreeingItIsNone) {
  const auto made = session();
  const auto chooser = greedy();
  lh_session* session_out = nullptr;
  lh_sampler* sampler_out = nullptr;
  lh_chat* chat_out = nullptr;
  lh_model* model_out = nullptr;
  lh_token token = 1;
  lh_token_buffer tokens = {&token, 1, 0};
  char character;
  lh_text_buffer text = {&character, 1, 0};
  lh_logits logits{};
  lh_model_info info{};
  info.size = sizeof info;
  const lh_tokens given = {&token, 1}, behind_null = {nullptr, 3};
  const lh_status statuses[] = {lh_model_load(nullptr, nullptr, &model_out, &error_),
                                lh_model_load(kGuide, nullptr, nullptr, &error_),
                                lh_model_get_info(nullptr, &info, &error_),
                                lh_model_get_info(model(), nullptr, &error_),
                                lh_encode(nullptr, lh_string("x"), 0, &tokens, &error_),
                                lh_encode(model(), {nullptr, 1}, 0, &tokens, &error_),
                                lh_encode(model(), lh_string("x"), 0, nullptr, &error_),
                                lh_encode(model(), lh_string("x"), 4, &tokens, &error_),
                                lh_decode(nullptr, given, &text, &error_),
                                lh_decode(model(), behind_null, &text, &error_),
                                lh_decode(model(), given, nullptr, &error_),
                                lh_piece(nullptr, 1, &text, &error_),
                                lh_piece(model(), 1, nullptr, &error_),
                                lh_session_new(nullptr, nullptr, &session_out, &error_),
                                lh_session_new(model(), nullptr, nullptr, &error_),
                                lh_feed(nullptr, given, &logits, &error_),
                                lh_feed(made.get(), behind_null, &logits, &error_),
                                lh_feed_each(nullptr, given, nullptr, nullptr, &error_),
                                lh_feed_each(made.get(), given, nullptr, nullptr, &error_),
                                lh_get_logits(nullptr, 0, &logits, &error_),
                                lh_get_logits(made.get(), 0, nullptr, &error_),
                                lh_rewind(nullptr, 0, &error_),
                                lh_sampler_new(nullptr, nullptr, &sampler_out, &error_),
                                lh_sampler_new(model(), nullptr, nullptr, &error_),
                                lh_sample(nullptr, logits, &token, &error_),
                                lh_sample(chooser.get(), logits, nullptr, &error_),
                                lh_sample(chooser.get(), {nullptr, 5}, &token, &error_),
                                lh_sampler_accept(nullptr, given, &error_),
                                lh_sampler_reset(nullptr, &error_),
                                lh_generate(nullptr, chooser.get(), given, nullptr, nullptr, &error_),
                                lh_generate(made.get(), nullptr, given, nullptr, nullptr, &error_),
                                lh_chat_new(nullptr, nullptr, &chat_out, &error_),
                                lh_chat_new(model(), nullptr, nullptr, &error_),
                                lh_chat_encode(nullptr, {nullptr, 0}, nullptr, &tokens, &error_),
                                lh_chat_render(nullptr, {nullptr, 0}, nullptr, &text, &error_),
                                lh_chat_reasoning_tokens(nullptr, &tokens, &error_)};
  for (std::size_t i = 0; i < std::size(statuses); ++i) EXPECT_EQ(statuses[i], LH_E_ARGUMENT) << "call " << i;
  EXPECT_EQ(lh_session_size(nullptr), 0);
  EXPECT_EQ(lh_session_tokens(nullptr).size, 0u);
  EXPECT_EQ(lh_sampler_seed(nullptr), 0u);
  EXPECT_EQ(lh_ends_generation(nullptr, 1), 0);
  EXPECT_EQ(lh_chat_is_fallback(nullptr), 0);
  EXPECT_EQ(lh_string(nullptr).size, 0u);
  lh_session_cancel(nullptr);
  lh_session_clear_cancel(nullptr);
  lh_model_free(nullptr);
  lh_session_free(nullptr);
  lh_sampler_free(nullptr);
  lh_chat_free(nullptr);
  lh_load_options_init(nullptr, 8);
}

TEST_F(LonghandC, DefaultsAreThoseOfCpp) {
  const SessionOptions session;
  const lh_session_options c_session = lh_session_defaults();
  EXPECT_EQ(c_session.size, sizeof c_session);
  EXPECT_EQ(c_session.batch, session.batch);
  EXPECT_EQ(c_session.key_cache, LH_CACHE_F16);
  EXPECT_EQ(c_session.sinks, session.attention.sinks);
  const SamplerOptions sampler;
  const lh_sampler_options c_sampler = lh_sampler_defaults();
  EXPECT_EQ(c_sampler.seed, sampler.seed);
  EXPECT_EQ(c_sampler.top_k, sampler.top_k);
  EXPECT_EQ(c_sampler.dry_base, sampler.dry_base);
  EXPECT_EQ(c_sampler.mirostat_eta, sampler.mirostat_eta);
  EXPECT_EQ(lh_generate_defaults().max_tokens, -1);
  EXPECT_EQ(lh_render_defaults().answer, 1);
  EXPECT_EQ(lh_load_defaults().repack, 1);
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
  lh_session_options_init(&newer.known, sizeof newer);
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

TEST_F(LonghandC, ASizeThatNoStructHasIsRefused) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, sizeof(lh_session_options) - 1}) {
    lh_session_options options = small();
    options.size = size;
    lh_session* made = nullptr;
    EXPECT_EQ(lh_session_new(model(), &options, &made, &error_), LH_E_ARGUMENT) << size;
  }
}

TEST_F(LonghandC, ValuesOutOfRangeAreRefused) {
  lh_session_options options = small();
  options.key_cache = static_cast<lh_cache_type>(7);
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

TEST_F(LonghandC, FeedsRewindsAndShowsLogits) {
  const auto s = session();
  const std::vector<lh_token> tokens = encode("The capital of Peru");
  lh_logits last{};
  ASSERT_EQ(lh_feed(s.get(), view(tokens), &last, &error_), LH_OK) << error_.message;
  const std::vector<float> expected(last.data, last.data + last.size);
  EXPECT_EQ(lh_session_size(s.get()), static_cast<int>(tokens.size()));
  EXPECT_EQ(lh_session_tokens(s.get()).size, tokens.size());
  EXPECT_GT(lh_session_bytes(s.get()), 0u);

  ASSERT_EQ(lh_rewind(s.get(), 2, &error_), LH_OK);
  EXPECT_EQ(lh_session_size(s.get()), 2);
  EXPECT_EQ(lh_rewind(s.get(), 3, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_get_logits(s.get(), 2, &last, &error_), LH_E_RANGE);
  ASSERT_EQ(lh_feed(s.get(), {tokens.data() + 2, tokens.size() - 2}, nullptr, &error_), LH_OK);
  ASSERT_EQ(lh_get_logits(s.get(), lh_session_size(s.get()) - 1, &last, &error_), LH_OK);
  EXPECT_THAT(std::span(last.data, last.size), ElementsAreArray(expected));

  const lh_token bad = -1;
  EXPECT_EQ(lh_feed(s.get(), {&bad, 1}, nullptr, &error_), LH_E_RANGE);
  const std::vector<lh_token> many(1000, tokens[0]);
  EXPECT_EQ(lh_feed(s.get(), view(many), nullptr, &error_), LH_E_CONTEXT_FULL);
  EXPECT_EQ(lh_session_size(s.get()), static_cast<int>(tokens.size()));
}

TEST_F(LonghandC, AVisitThatStopsOrThrowsLeavesTheSessionAsItWas) {
  const auto s = session();
  const std::vector<lh_token> tokens = encode("The capital of Peru");
  int seen = 0;
  const auto count = [](void* user, std::int32_t, lh_logits) {
    return ++*static_cast<int*>(user) == 2 ? 1 : 0;
  };
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), count, &seen, &error_), LH_E_CANCELLED);
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  const auto thrower = [](void*, std::int32_t, lh_logits) -> int {
    throw std::runtime_error("of the caller");
  };
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), thrower, nullptr, &error_), LH_E_CALLBACK);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  seen = 10;
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), count, &seen, &error_), LH_OK);
  EXPECT_EQ(seen, 10 + static_cast<int>(tokens.size()));
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

TEST_F(LonghandC, GeneratesWhatCppGeneratesAndStreamsIt) {
  const Model same = Model::load(kGuide);
  Session cpp_session(same, {.context = 256, .threads = 1});
  Sampler cpp_sampler(same, {.temperature = 0});
  const GenerateResult expected =
      generate(cpp_session, same.encode("The capital of Peru"), cpp_sampler, {.max_tokens = 12});

  const auto s = session();
  const auto chooser = greedy();
  std::string streamed;
  lh_generate_options options = lh_generate_defaults();
  options.max_tokens = 12;
  options.on_text_user = &streamed;
  options.on_text = [](void* user, lh_text text) {
    static_cast<std::string*>(user)->append(text.data, text.size);
    return 0;
  };
  lh_generate_result result;
  result.size = sizeof result;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK)
      << error_.message;
  EXPECT_EQ(std::string_view(result.text.data, result.text.size), expected.text);
  EXPECT_EQ(streamed, expected.text);
  EXPECT_THAT(std::span(result.tokens.data, result.tokens.size), ElementsAreArray(expected.tokens));
  EXPECT_EQ(static_cast<int>(result.reason), static_cast<int>(expected.reason));
  EXPECT_EQ(result.prompt_tokens, static_cast<int>(prompt.size()));
}

TEST_F(LonghandC, TextCallbacksStopAndMayThrow) {
  const auto s = session();
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  lh_generate_options options = lh_generate_defaults();
  lh_generate_result result;
  result.size = sizeof result;
  options.on_text = [](void*, lh_text) { return 1; };
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK);
  EXPECT_EQ(result.reason, LH_STOP_CALLBACK);
  lh_rewind(s.get(), 0, nullptr);
  options.on_text = [](void*, lh_text) -> int { throw std::runtime_error("of the caller"); };
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_E_CALLBACK);
  EXPECT_EQ(error_.status, LH_E_CALLBACK);
}

TEST_F(LonghandC, ACallbackThatUsesTheSessionIsToldThatItIsBusy) {
  const auto s = session();
  const auto chooser = greedy();
  struct Inner {
    lh_session* session;
    lh_status status = LH_OK;
  } inner{s.get()};
  lh_generate_options options = lh_generate_defaults();
  options.on_text_user = &inner;
  options.on_text = [](void* user, lh_text) {
    auto& i = *static_cast<Inner*>(user);
    i.status = lh_rewind(i.session, 0, nullptr);
    return 1;
  };
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, nullptr, &error_), LH_OK);
  EXPECT_EQ(inner.status, LH_E_BUSY);
}

TEST_F(LonghandC, StopStringsEndTheText) {
  const auto s = session();
  const auto chooser = greedy();
  const char* const stops[] = {"Lima"};
  lh_generate_options options = lh_generate_defaults();
  options.stop = stops;
  options.stop_count = 1;
  lh_generate_result result;
  result.size = sizeof result;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK);
  EXPECT_EQ(result.reason, LH_STOP_STRING);
  EXPECT_THAT(std::string(result.text.data, result.text.size), testing::Not(HasSubstr("Lima")));
  options.stop_count = 2;
  options.stop = nullptr;
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandC, AnotherThreadCancels) {
  lh_session_options options = small();
  options.batch = 1;
  struct Progress {
    std::atomic<bool> started{false};
  } progress;
  options.progress_user = &progress;
  // Holds the feed until the other thread has had its turn, so that the outcome is no matter of speed.
  options.progress = [](void* user, std::int32_t, std::int32_t) {
    static_cast<Progress*>(user)->started = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return 0;
  };
  const auto s = session(options);
  std::thread other([&] {
    while (!progress.started) std::this_thread::yield();
    lh_session_cancel(s.get());
  });
  const std::vector<lh_token> tokens(200, encode("a").back());
  EXPECT_EQ(lh_feed(s.get(), view(tokens), nullptr, &error_), LH_E_CANCELLED);
  other.join();
  EXPECT_EQ(lh_session_size(s.get()), 0);
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 1}, nullptr, &error_), LH_E_CANCELLED) << "until it is cleared";
  lh_session_clear_cancel(s.get());
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 1}, nullptr, &error_), LH_OK);
}

TEST_F(LonghandC, ProgressStopsAFeed) {
  lh_session_options options = small();
  options.batch = 2;
  options.progress = [](void*, std::int32_t done, std::int32_t total) { return done < total ? 1 : 0; };
  const auto s = session(options);
  const std::vector<lh_token> tokens(8, encode("a").back());
  EXPECT_EQ(lh_feed(s.get(), view(tokens), nullptr, &error_), LH_E_CANCELLED);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 2}, nullptr, &error_), LH_OK) << "the next one starts anew";
}

TEST_F(LonghandC, SamplersPickFromLogitsAndRefuseOthers) {
  const auto s = session();
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  lh_logits logits{};
  ASSERT_EQ(lh_feed(s.get(), view(prompt), &logits, &error_), LH_OK);
  ASSERT_EQ(lh_sampler_accept(chooser.get(), view(prompt), &error_), LH_OK);
  lh_token token = -1;
  ASSERT_EQ(lh_sample(chooser.get(), logits, &token, &error_), LH_OK);
  const auto best = std::max_element(logits.data, logits.data + logits.size);
  EXPECT_EQ(token, best - logits.data);
  EXPECT_EQ(lh_sample(chooser.get(), {logits.data, 3}, &token, &error_), LH_E_SHAPE);
  const std::vector<float> bad(logits.size, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(lh_sample(chooser.get(), {bad.data(), bad.size()}, &token, &error_), LH_E_NONFINITE);
  EXPECT_EQ(lh_sampler_reset(chooser.get(), &error_), LH_OK);
}

TEST_F(LonghandC, GrammarsAndBiasesReachTheSampler) {
  const auto s = session();
  const lh_token_bias bias = {encode("x").back(), 1000};
  lh_sampler_options options = lh_sampler_defaults();
  options.logit_bias = &bias;
  options.logit_bias_count = 1;
  options.seed = 7;
  lh_sampler* made = nullptr;
  ASSERT_EQ(lh_sampler_new(model(), &options, &made, &error_), LH_OK) << error_.message;
  const SamplerPtr biased(made);
  EXPECT_EQ(lh_sampler_seed(biased.get()), 7u);
  lh_logits logits{};
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_feed(s.get(), view(prompt), &logits, &error_), LH_OK);
  lh_token token = -1;
  ASSERT_EQ(lh_sample(biased.get(), logits, &token, &error_), LH_OK);
  EXPECT_EQ(token, bias.token);

  options = lh_sampler_defaults();
  options.json_schema = R"({"enum": ["yes", "no"]})";
  ASSERT_EQ(lh_sampler_new(model(), &options, &made, &error_), LH_OK) << error_.message;
  const SamplerPtr constrained(made);
  lh_generate_result result;
  result.size = sizeof result;
  ASSERT_EQ(lh_generate(s.get(), constrained.get(), {nullptr, 0}, nullptr, &result, &error_), LH_OK)
      << error_.message;
  EXPECT_THAT(std::string(result.text.data, result.text.size), testing::AnyOf("\"yes\"", "\"no\""));
}

TEST_F(LonghandC, ChatsRenderSafely) {
  lh_chat* made = nullptr;
  ASSERT_EQ(lh_chat_new(model(), nullptr, &made, &error_), LH_OK) << error_.message;
  const ChatPtr chat(made);
  EXPECT_EQ(lh_chat_is_fallback(chat.get()), 0);
  const lh_message ask = {"user", lh_string("What is the capital of Peru?"), {nullptr, 0}};
  std::vector<char> text(4096);
  lh_text_buffer rendered = {text.data(), text.size(), 0};
  ASSERT_EQ(lh_chat_render(chat.get(), {&ask, 1}, nullptr, &rendered, &error_), LH_OK) << error_.message;
  const std::string plain(text.data(), rendered.size);
  EXPECT_THAT(plain, HasSubstr("What is the capital of Peru?"));

  // The markup of the whole prompt as a user's message must stay text: more tokens, and only our own
  // controls.
  std::vector<lh_token> honest(4096), forged(4096);
  lh_token_buffer out = {honest.data(), honest.size(), 0};
  ASSERT_EQ(lh_chat_encode(chat.get(), {&ask, 1}, nullptr, &out, &error_), LH_OK);
  honest.resize(out.size);
  const lh_message forger = {"user", {plain.data(), plain.size()}, {nullptr, 0}};
  out = {forged.data(), forged.size(), 0};
  ASSERT_EQ(lh_chat_encode(chat.get(), {&forger, 1}, nullptr, &out, &error_), LH_OK);
  forged.resize(out.size);
  const Model same = Model::load(kGuide);
  const auto controls = [&](const std::vector<lh_token>& tokens) {
    return std::ranges::count_if(tokens, [&](lh_token token) { return same.piece(token).empty(); });
  };
  EXPECT_GT(controls(honest), 0);
  EXPECT_EQ(controls(forged), controls(honest));
  EXPECT_GT(forged.size(), honest.size());

  lh_render_options finished = lh_render_defaults();
  finished.answer = 0;
  ASSERT_EQ(lh_chat_render(chat.get(), {&ask, 1}, &finished, &rendered, &error_), LH_OK);
  EXPECT_LT(rendered.size, plain.size());
}

TEST_F(LonghandC, ATemplateOfTheCallersIsUsedOrReplaced) {
  lh_chat_options options = lh_chat_defaults();
  lh_chat* made = nullptr;
  options.template_text = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
  ASSERT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_OK);
  const ChatPtr own(made);
  EXPECT_EQ(lh_chat_is_fallback(own.get()), 0);
  const lh_message ask = {"user", lh_string("hi"), {nullptr, 0}};
  char text[100];
  lh_text_buffer out = {text, sizeof text, 0};
  ASSERT_EQ(lh_chat_render(own.get(), {&ask, 1}, nullptr, &out, &error_), LH_OK);
  EXPECT_EQ(std::string_view(text, out.size), "[user]hi");
  options.template_text = "{% broken";
  ASSERT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_OK);
  const ChatPtr fallback(made);
  EXPECT_NE(lh_chat_is_fallback(fallback.get()), 0);
  options.now = "not a date";
  EXPECT_EQ(lh_chat_new(model(), &options, &made, &error_), LH_E_RANGE);
  EXPECT_EQ(made, nullptr);
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
