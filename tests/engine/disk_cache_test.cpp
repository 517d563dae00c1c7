// Finished texts that are kept in files: found again by another scheduler, within their size, and harmless
// whatever befalls them.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <utility>

#include "engine/longhand_serve.h"
#include "tests/support/error_code.h"
#include "tests/support/forged_state.h"
#include "tests/support/golden.h"
#include "tests/support/golden_model.h"
#include "tests/support/lora.h"
#include "tests/support/scheduling.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;
using test::files_of;
using test::options_of_tests;
using testing::HasSubstr;

struct Answer {
  std::vector<Token> tokens;
  RequestResult result;
};

Request request_of(const Model& model, const std::vector<Token>& prompt) {
  SamplerOptions how;
  how.seed = 7;
  how.temperature = 1.1f;
  return {.prompt = prompt, .sampler = Sampler(model, how), .max_tokens = 12};
}

Answer ask(Scheduler& scheduler, const std::vector<Token>& prompt) {
  Answer answer;
  scheduler.submit(request_of(scheduler.model(), prompt),
                   {.on_token =
                        [&](const TokenStep& step) {
                          answer.tokens.push_back(step.token);
                          return true;
                        },
                    .on_end = [&](const RequestResult& result) { answer.result = result; }});
  EXPECT_TRUE(scheduler.wait_idle());
  return answer;
}

// Of a scheduler that is gone afterwards, its files written.
Answer ask_once(const Model& model, const SchedulerOptions& options, const std::vector<Token>& prompt) {
  Scheduler scheduler(model, options);
  return ask(scheduler, prompt);
}

std::vector<Token> joined(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Kept {
 public:
  SchedulerOptions options(int mib = 64) {
    SchedulerOptions o = options_of_tests();
    o.disk = {.folder = folder(), .mib = mib};
    o.note = [this](std::string_view line) {
      const std::scoped_lock lock(mutex_);
      notes_.emplace_back(line);
    };
    return o;
  }
  std::string folder() const { return dir_.file("kept"); }
  std::vector<std::string> notes() {
    const std::scoped_lock lock(mutex_);
    return notes_;
  }

 private:
  test::TempDir dir_;
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

// Attention, windows, hybrids, recurrent models.
class DiskCacheOf : public test::GoldenModel {};

TEST_P(DiskCacheOf, TheSecondTurnGoesOnAfterARestart) {
  Kept kept;
  const std::vector<Token> prompt = test::some_tokens(150, 5);
  const Answer first = ask_once(model(), kept.options(), prompt);
  EXPECT_EQ(first.result.cached_tokens, 0);
  const std::vector<Token> turn = joined(joined(prompt, first.tokens), test::some_tokens(15, 6));
  const Answer expected = ask_once(model(), options_of_tests(), turn);
  const Answer second = ask_once(model(), kept.options(), turn);
  const bool cut = first.result.reason == StopReason::max_tokens;
  EXPECT_EQ(second.result.cached_tokens, 150 + int(first.tokens.size()) - int(cut));
  EXPECT_EQ(second.tokens, expected.tokens);
  EXPECT_THAT(kept.notes(), testing::IsEmpty());
}

// As where a template leaves the reasoning out of earlier answers.
TEST_P(DiskCacheOf, AChangedAnswerKeepsThePromptBeforeIt) {
  Kept kept;
  const std::vector<Token> prompt = test::some_tokens(150, 5);
  ask_once(model(), kept.options(), prompt);
  const std::vector<Token> turn = joined(prompt, test::some_tokens(30, 8));
  const Answer second = ask_once(model(), kept.options(), turn);
  EXPECT_GE(second.result.cached_tokens, 150 - 16);
  EXPECT_EQ(second.tokens, ask_once(model(), options_of_tests(), turn).tokens);
}

INSTANTIATE_TEST_SUITE_P(Models, DiskCacheOf,
                         testing::Values("llama", "gemma3", "qwen3next", "lfm2", "mamba2"),
                         test::name_of_arch);

TEST(DiskCache, BelongsToItsUserAlone) {
  Kept kept;
  ask_once(test::tiny(), kept.options(), test::some_tokens(100, 1));
  struct stat status {};
  ASSERT_EQ(::stat(kept.folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  const std::vector<fs::path> files = files_of(kept.folder());
  ASSERT_EQ(files.size(), 1u);
  ASSERT_EQ(::stat(files[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(DiskCache, OtherOptionsAndAdaptersFindNothing) {
  Kept kept;
  const std::vector<Token> prompt = test::some_tokens(100, 1);
  ask_once(test::tiny(), kept.options(), prompt);
  SchedulerOptions other = kept.options();
  other.session.key_cache = CacheType::f16;
  EXPECT_EQ(ask_once(test::tiny(), other, prompt).result.cached_tokens, 0);
  const auto adapted = [&](unsigned seed, float scale) {
    SchedulerOptions o = kept.options();
    const auto lora = test::random_lora(test::tiny(), {.rank = 4, .seed = seed});
    o.session.adapters = {{Adapter::load_memory(test::tiny(), lora.bytes()), scale}};
    return ask_once(test::tiny(), o, prompt).result.cached_tokens;
  };
  EXPECT_EQ(adapted(1, 1), 0);
  EXPECT_EQ(adapted(2, 1), 0) << "another adapter";
  EXPECT_EQ(adapted(1, 0.5f), 0) << "another scale";
  EXPECT_EQ(adapted(1, 1), 99);
  EXPECT_EQ(ask_once(test::tiny(), kept.options(), prompt).result.cached_tokens, 99);
  EXPECT_THAT(kept.notes(), testing::IsEmpty());
}

TEST(DiskCache, ALongerTextTakesThePlaceOfItsBeginning) {
  Kept kept;
  std::vector<Token> text = test::some_tokens(70, 1);
  for (int turn = 0; turn < 4; ++turn) {
    const Answer answer = ask_once(test::tiny(), kept.options(), text);
    text = joined(joined(text, answer.tokens), test::some_tokens(10, unsigned(turn) + 2));
  }
  EXPECT_EQ(files_of(kept.folder()).size(), 1u);
}

// One bit of each file, at many places.
TEST(DiskCache, DamagedFilesAreNotUsed) {
  const std::vector<Token> prompt = test::some_tokens(100, 1);
  const Answer expected = ask_once(test::tiny(), options_of_tests(), prompt);
  for (int place = 0; place < 12; ++place) {
    Kept kept;
    ask_once(test::tiny(), kept.options(), prompt);
    const fs::path file = files_of(kept.folder()).at(0);
    if (place == 11) {
      fs::resize_file(file, fs::file_size(file) / 2);
    } else {
      std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
      const auto at = std::streamoff(fs::file_size(file) * std::uintmax_t(place) / 11);
      damaged.seekg(at);
      const int byte = damaged.get();
      damaged.seekp(at);
      damaged.put(char(byte ^ 16));
    }
    const Answer answer = ask_once(test::tiny(), kept.options(), prompt);
    EXPECT_EQ(answer.result.cached_tokens, 0) << place;
    EXPECT_EQ(answer.tokens, expected.tokens) << place;
    ASSERT_FALSE(kept.notes().empty()) << place;
    EXPECT_THAT(kept.notes()[0], HasSubstr("the file is not used")) << place;
  }
}

// Numbers of the text that are none, under checksums that hold: tokens in the memories, tokens written, first
// position served, number of tokens.
TEST(DiskCache, FilesWithWrongLengthsAreNotUsed) {
  const std::vector<Token> prompt = test::some_tokens(100, 1);
  const Answer expected = ask_once(test::tiny(), options_of_tests(), prompt);
  constexpr std::pair<std::size_t, std::uint32_t> kForged[] = {{0, 5},   {0, 200}, {4, 5},
                                                               {8, 200}, {12, 5},  {12, 0xffffffff}};
  for (const auto& [field, value] : kForged) {
    SCOPED_TRACE(testing::Message() << field << " " << value);
    Kept kept;
    ask_once(test::tiny(), kept.options(), prompt);
    const fs::path file = files_of(kept.folder()).at(0);
    const std::string bytes(reinterpret_cast<const char*>(&value), sizeof value);
    const std::string forged = test::forged_state(test::read_text(file.string()), 1, field, bytes);
    std::ofstream(file, std::ios::binary) << forged;
    const Answer answer = ask_once(test::tiny(), kept.options(), prompt);
    EXPECT_EQ(answer.result.cached_tokens, 0);
    EXPECT_EQ(answer.tokens, expected.tokens);
  }
}

TEST(DiskCache, WhatAKilledProgramLeftIsRemovedAndOtherFilesStay) {
  Kept kept;
  ask_once(test::tiny(), kept.options(), test::some_tokens(100, 1));
  const std::string text = files_of(kept.folder()).at(0).string();
  const std::string other = kept.folder() + "/letter.txt.new";
  std::ofstream(text + ".new") << "half of a te";
  std::ofstream(other) << "dear";
  EXPECT_EQ(ask_once(test::tiny(), kept.options(), test::some_tokens(100, 1)).result.cached_tokens, 99);
  EXPECT_FALSE(fs::exists(text + ".new"));
  EXPECT_TRUE(fs::exists(other));
}

TEST(DiskCache, TheFolderMustBeOne) {
  const test::TempDir dir;
  std::ofstream(dir.file("file")) << "x";
  SchedulerOptions options = options_of_tests();
  options.disk.folder = dir.file("file");
  EXPECT_EQ(test::code_of([&] { Scheduler(test::tiny(), options); }), Errc::io);
  options.disk.folder = dir.file("none/below");
  EXPECT_EQ(test::code_of([&] { Scheduler(test::tiny(), options); }), Errc::io);
}

TEST(DiskCache, TheFolderMustBelongToItsUserAlone) {
  const test::TempDir dir;
  SchedulerOptions options = options_of_tests();
  options.disk.folder = dir.file("kept");
  ASSERT_EQ(::mkdir(options.disk.folder.c_str(), 0700), 0);
  for (const mode_t mode : {0720, 0702, 0777}) {
    ASSERT_EQ(::chmod(options.disk.folder.c_str(), mode), 0);
    EXPECT_EQ(test::code_of([&] { Scheduler(test::tiny(), options); }), Errc::io) << mode;
  }
  ASSERT_EQ(::chmod(options.disk.folder.c_str(), 0755), 0);
  Scheduler(test::tiny(), options);
}

// More conversations than requests can begin: each text is found all the same.
TEST(DiskCache, ALongQueueFindsItsTexts) {
  Kept kept;
  for (unsigned i = 0; i < 8; ++i) ask_once(test::tiny(), kept.options(), test::some_tokens(100, i));
  SchedulerOptions options = kept.options();
  options.parallel = 2;
  Scheduler scheduler(test::tiny(), options);
  std::vector<RequestResult> results(8);
  for (unsigned i = 0; i < 8; ++i)
    scheduler.submit(request_of(test::tiny(), test::some_tokens(100, i)),
                     {.on_end = [&results, i](const RequestResult& r) { results[i] = r; }});
  ASSERT_TRUE(scheduler.wait_idle());
  for (const RequestResult& result : results) EXPECT_EQ(result.cached_tokens, 99);
}

// Several wait for one file, and one of them changes its mind.
TEST(DiskCache, RequestsThatWaitForAFileCanBeCancelled) {
  Kept kept;
  const std::vector<Token> prompt = test::some_tokens(150, 1);
  ask_once(test::tiny(), kept.options(), prompt);
  Scheduler scheduler(test::tiny(), kept.options());
  std::vector<RequestResult> results(6);
  std::vector<std::uint64_t> numbers;
  for (RequestResult& result : results)
    numbers.push_back(scheduler.submit(request_of(test::tiny(), prompt),
                                       {.on_end = [&](const RequestResult& r) { result = r; }}));
  scheduler.cancel(numbers[2]);
  ASSERT_TRUE(scheduler.wait_idle());
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].reason != StopReason::cancelled) { EXPECT_GE(results[i].cached_tokens, 149) << i; }
    EXPECT_FALSE(results[i].error);
  }
}

}  // namespace
}  // namespace longhand
