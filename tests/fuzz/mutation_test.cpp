// The mutator of GGUF files: most of what it makes must get past the container's reader, or fuzzing would
// test little else. Each result goes through the target too.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/gguf_mutator.h"
#include "tests/support/tiny_model.h"

namespace longhand::fuzz {
namespace {

// What libFuzzer would do, roughly.
ByteMutator plain_bytes(Random& random) {
  return [&random](std::string bytes, std::size_t most) {
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    switch (random() % 3) {
      case 0:
        if (!bytes.empty()) bytes[at] = char(random() % 256);
        break;
      case 1:
        if (!bytes.empty()) bytes.erase(at, random() % 8);
        break;
      default:
        bytes.insert(at, 1, char(random() % 256));
    }
    return bytes.substr(0, most);
  };
}

TEST(GgufMutator, LeavesMostFilesReadable) {
  const std::string seed = test::tiny_llama().build();
  Random random(1);
  const ByteMutator bytes = plain_bytes(random);
  constexpr int kRounds = 600;
  int parsed = 0;
  std::set<std::string> different;
  std::string file = seed;
  for (int i = 0; i < kRounds; ++i) {
    if (i % 6 == 0) file = seed;  // changes add up for a while
    file = mutate_gguf(file, 1 << 17, random, bytes);
    different.insert(file);
    try {
      static_cast<void>(Gguf::parse(as_bytes(file), "mutated.gguf"));
      ++parsed;
    } catch (const Error&) {}
    run(file);
  }
  EXPECT_GT(parsed, kRounds * 3 / 10);
  EXPECT_GT(different.size(), std::size_t{kRounds} * 8 / 10);
}

TEST(GgufMutator, CrossingKeepsFilesReadable) {
  const std::string a = test::tiny_llama().build();
  test::GgufWriter other = test::tiny_llama();
  other.add("llama.attention.scale", 0.5f);
  Random random(2);
  for (int i = 0; i < 20; ++i)
    EXPECT_NO_THROW(
        static_cast<void>(Gguf::parse(as_bytes(cross_gguf(a, other.build(), random)), "crossed.gguf")));
}

}  // namespace
}  // namespace longhand::fuzz
