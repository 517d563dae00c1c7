// What names of models to download mean, and checksums.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/flags/arguments.h"
#include "cli/models/split_files.h"
#include "cli/pull/hub.h"
#include "cli/pull/sha256.h"
#include "tests/support/error_code.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;
using Names = std::vector<std::string>;

std::string sum(std::string_view text) {
  Sha256 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.finish();
}

// The examples of FIPS 180-4.
TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(sum("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sum(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  const std::string thousand(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.add(std::as_bytes(std::span(thousand)));
  EXPECT_EQ(hash.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(hash.finish(), sum(""));
}

Names choose(const Names& files, const std::string& name) {
  return choose_files(files, parse_hub_name(name));
}

TEST(HubFiles, AQuantisationIsAWordOfTheName) {
  const Names files = {"README.md",        "m-UD-Q4_K_M.gguf",  "m-Q4_K_M.gguf",
                       "m-Q4_K_S.gguf",    "m.Q8_0.gguf",       "m-IQ4_XS.gguf",
                       "mmproj-Q8_0.gguf", "m-imatrix-Q2.gguf", "BF16/m.gguf"};
  EXPECT_THAT(choose(files, "a/b"), ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_THAT(choose(files, "a/b:q4_k_s"), ElementsAre("m-Q4_K_S.gguf"));
  EXPECT_THAT(choose(files, "a/b:UD-Q4_K_M"), ElementsAre("m-UD-Q4_K_M.gguf"));
  EXPECT_THAT(choose(files, "a/b:Q8_0"), ElementsAre("m.Q8_0.gguf"));
  EXPECT_THAT(choose(files, "a/b:BF16"), ElementsAre("BF16/m.gguf"));
  EXPECT_THAT(choose(files, "a/b/BF16/m.gguf"), ElementsAre("BF16/m.gguf"));
  for (const char* absent : {"a/b:Q4_K", "a/b:K_M", "a/b:Q2", "a/b/m.gguf", "a/b:4"})
    EXPECT_EQ(test::code_of([&] { choose(files, absent); }), Errc::missing) << absent;
}

TEST(HubFiles, WithoutTheUsualOneAnyIsTaken) {
  EXPECT_THAT(choose({"m-Q2_K.gguf", "m-Q8_0.gguf"}, "a/b"), ElementsAre("m-Q8_0.gguf"));
  EXPECT_THAT(choose({"tiny.gguf"}, "a/b"), ElementsAre("tiny.gguf"));
  EXPECT_EQ(test::code_of([] { choose({"model.safetensors"}, "a/b"); }), Errc::missing);
}

TEST(HubFiles, AllPartsBelongToASplitModel) {
  const Names parts = {"m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00002-of-00003.gguf",
                       "m-Q8_0-00003-of-00003.gguf"};
  EXPECT_EQ(choose(parts, "a/b:Q8_0"), parts);
  EXPECT_EQ(test::code_of([&] { choose({parts[0], parts[2]}, "a/b"); }), Errc::missing);
  EXPECT_EQ(test::code_of([&] { choose({parts[1], parts[2]}, "a/b"); }), Errc::missing);
}

TEST(SplitFiles, AreKnownByTheirNames) {
  const auto part = split_part("m-00002-of-00012.gguf");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->number, 2);
  EXPECT_EQ(part->count, 12);
  EXPECT_EQ(name_of_part(*part, 12), "m-00012-of-00012.gguf");
  for (const char* whole :
       {"m.gguf", "-00001-of-00002.gguf", "m-00003-of-00002.gguf", "m-00000-of-00002.gguf",
        "m-0000x-of-00002.gguf", "m-00001-of-00002.bin", "m-00001_of-00002.gguf"})
    EXPECT_FALSE(split_part(whole)) << whole;
}

TEST(Arguments, AModelOfTheHubIsAModel) {
  EXPECT_THAT(normalise_arguments({"run", "-hf", "a/b:Q8_0", "-n", "1"}),
              ElementsAre("run", "--model", "hf:a/b:Q8_0", "-n", "1"));
  EXPECT_THAT(normalise_arguments({"run", "--hf_repo", "a/b:Q8_0", "--hf-file", "c.gguf", "-n", "1"}),
              ElementsAre("run", "--model", "hf:a/b/c.gguf", "-n", "1"));
  EXPECT_THAT(normalise_arguments({"run", "-hff", "c.gguf", "-hfr", "a/b", "-n", "1"}),
              ElementsAre("run", "--model", "hf:a/b/c.gguf", "-n", "1"));
  EXPECT_THAT(normalise_arguments({"run", "-mu", "https://x/y.gguf", "-p", "-hf"}),
              ElementsAre("run", "--model", "https://x/y.gguf", "-p", "-hf"));
  EXPECT_ANY_THROW(normalise_arguments({"run", "-hff", "c.gguf"}));
}

}  // namespace
}  // namespace longhand::cli
