// Files as people have them: what is odd about them and does not concern the text model changes no logits,
// and is told in a note.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/longhand.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

Model load(const GgufWriter& w) {
  const TempDir dir;
  w.write(dir.file("model"));
  return Model::load(dir.file("model"), one_thread());
}

std::vector<float> logits_of(const Model& model) {
  Session session(model, {.context = 64, .threads = 1});
  return copy_of(session.feed(some_tokens(20)));
}

void expect_same_with_note(const GgufWriter& odd, const std::string& note) {
  const Model model = load(odd);
  EXPECT_EQ(logits_of(model), logits_of(load(tiny_llama())));
  EXPECT_THAT(model.info().warnings, testing::Contains(testing::HasSubstr(note)));
}

void set(GgufWriter& w, const std::string& key, const GgufEntry& value) {
  std::erase_if(w.entries, [&](const GgufEntry& e) { return e.key == key; });
  w.entries.push_back(value);
}

TEST(OddFiles, IdsOfNoTokens) {
  for (const char* role : {"bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "mask", "fim_pre",
                           "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"}) {
    const std::string key = std::string("tokenizer.ggml.") + role + "_token_id";
    SCOPED_TRACE(key);
    const auto expect_none = [&](const GgufEntry& value, const std::string& note) {
      GgufWriter w = tiny_llama();
      set(w, key, value);
      expect_same_with_note(w, key + note);
    };
    expect_none(gguf_entry(key, std::uint32_t{4294967295}), " is 4294967295, which means none");
    expect_none(gguf_entry(key, std::uint64_t{4294967295}), " is 4294967295, which means none");
    expect_none(gguf_entry(key, std::int32_t{-1}), " is -1, which means none");
    expect_none(gguf_entry(key, std::int64_t{-1}), " is -1, which means none");
    expect_none(gguf_entry(key, std::uint32_t{300}), " is 300, which is no token");
    expect_none(gguf_entry(key, std::int32_t{-7}), " is -7, which is no token");
  }
}

TEST(OddFiles, PartsThatReadPicturesOrSound) {
  for (const char* name : {"v.patch_embd.weight", "mm.0.weight", "a.conv1.weight", "vision_tower.weight"}) {
    GgufWriter w = tiny_llama();
    w.tensor(name, {8}, std::vector<float>(8, 1.0f));
    w.tensor("v.blk.0.ln1.weight", {4}, std::vector<float>(4, 1.0f));
    expect_same_with_note(w, "reads pictures or sound: its 2 tensors are left out");
  }
}

// A type this build cannot multiply with hinders nobody in a part that is left out.
TEST(OddFiles, PartsOfAnyType) {
  GgufWriter w = tiny_llama();
  w.tensor("v.positions", {4}, 26, std::string(16, '\0'));
  expect_same_with_note(w, "its 1 tensors are left out");
}

TEST(OddFiles, LayersThatPredictFurtherTokens) {
  const auto with = [](std::initializer_list<const char*> names) {
    GgufWriter w = tiny_llama();
    for (const char* name : names) w.tensor(name, {32}, std::vector<float>(32, 1.0f));
    return w;
  };
  const std::string note = "predict further tokens: their 2 tensors are left out";
  expect_same_with_note(with({"eagle.fc.weight", "mtp.norm.weight"}), note);
  // Behind the last block, with and without the number of such layers; and counted as a block.
  GgufWriter behind = with({"blk.2.nextn.enorm.weight", "blk.2.attn_norm.weight"});
  expect_same_with_note(behind, note);
  set(behind, "llama.block_count", gguf_entry("llama.block_count", std::uint32_t{3}));
  expect_same_with_note(behind, note);
  behind.add("llama.nextn_predict_layers", std::uint32_t{1});
  expect_same_with_note(behind, note);
}

}  // namespace
}  // namespace longhand::test
