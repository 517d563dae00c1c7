// System calls that fail, are interrupted or do half of their work: a model loads or does not, a state is
// saved or is not, and nothing is ever in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "tests/faults/every_call.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

TEST(SystemCalls, OfLoading) {
  ASSERT_TRUE(a_model_works());
  at_every_call([&] { Model::load(tiny_path(), one_thread()); },
                [](const Outcome&) { EXPECT_TRUE(a_model_works()); });
}

// The model in three files, its metadata in the first.
std::string write_split(const TempDir& dir) {
  const GgufWriter whole = tiny_llama();
  constexpr std::uint16_t kParts = 3;
  for (std::uint16_t no = 0; no < kParts; ++no) {
    GgufWriter part;
    if (no == 0) part.entries = whole.entries;
    part.add("split.no", no).add("split.count", kParts);
    part.add("split.tensors.count", std::int32_t(whole.tensors.size()));
    for (std::size_t i = no; i < whole.tensors.size(); i += kParts) part.tensors.push_back(whole.tensors[i]);
    part.write(dir.file("m-0000" + std::to_string(no + 1) + "-of-00003.gguf"));
  }
  return dir.file("m-00001-of-00003.gguf");
}

TEST(SystemCalls, OfLoadingASplitModel) {
  const TempDir dir;
  const std::string path = write_split(dir);
  const auto logits = [](const Model& model) {
    Session session(model, small_session());
    return digest(session.feed(some_tokens(9)));
  };
  ASSERT_TRUE(a_model_works());
  EXPECT_EQ(logits(Model::load(path, one_thread())), logits(tiny()));
  at_every_call([&] { Model::load(path, one_thread()); },
                [](const Outcome&) { EXPECT_TRUE(a_model_works()); });
}

TEST(SystemCalls, OfSaving) {
  const TempDir dir;
  const std::string path = dir.file("state"), copy = dir.file("copy");
  Session session(tiny(), small_session());
  session.feed(some_tokens(20));
  session.save_state(copy);
  const std::string old = read_text(copy);
  session.feed(some_tokens(10, 5));
  session.save_state(path);
  const std::string fresh = read_text(path);
  const std::uint32_t logits = digest(session.logits(29));
  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
  at_every_call([&] { session.save_state(path); },
                [&](const Outcome& outcome) {
                  const std::string found = read_text(path);
                  // Only a folder that could not be flushed may be an error with the new file in place.
                  EXPECT_TRUE(found == fresh || (outcome.code && found == old));
                  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2)
                      << "something was left behind";
                  EXPECT_EQ(digest(session.logits(29)), logits);
                  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
                });
}

TEST(SystemCalls, OfRestoring) {
  const TempDir dir;
  const std::string before = dir.file("before"), after = dir.file("after");
  for (const NamedMemory& memory : small_memories()) {
    SCOPED_TRACE(memory.name);
    Session session(tiny(), small_session(memory.attention));
    session.feed(some_tokens(40));
    session.save_state(after);
    const std::uint32_t new_logits = digest(session.logits(39));
    session.rewind(0);
    session.feed(some_tokens(25, 9));
    session.save_state(before);
    const std::uint32_t old_logits = digest(session.logits(24));
    at_every_call([&] { session.restore_state(after); },
                  [&](const Outcome& outcome) {
                    ASSERT_EQ(session.size(), outcome.code ? 25 : 40);
                    EXPECT_EQ(digest(session.logits(session.size() - 1)),
                              outcome.code ? old_logits : new_logits);
                    session.restore_state(before);
                  });
  }
}

}  // namespace
}  // namespace longhand::test
