// States that come from elsewhere: saved under another instruction set, or by a machine that writes its
// numbers the other way round.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "engine/longhand.h"
#include "ops/kernel_table.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

Model tiny_on(const char* isa) {
  LoadOptions options = one_thread();
  options.isa = isa;
  return Model::load(tiny_path(), options);
}

// What is saved says nothing of the processor: only rounding tells where it was computed.
TEST(CarriedState, GoesOnUnderEveryInstructionSet) {
  const TempDir dir;
  const std::string path = dir.file("state"), again = dir.file("again");
  for (const NamedMemory& memory : small_memories()) {
    const SessionOptions options = small_session(memory.attention);
    for (const Kernels* from : available_kernels()) {
      const Model model = tiny_on(from->name);
      Session saved(model, options);
      saved.feed(some_tokens(40));
      saved.save_state(path);
      const std::vector<float> expected = copy_of(saved.feed(some_tokens(1, 7)));
      for (const Kernels* to : available_kernels()) {
        SCOPED_TRACE(std::string(memory.name) + ": " + from->name + " to " + to->name);
        const Model other = tiny_on(to->name);
        Session session(other, options);
        session.restore_state(path);
        session.save_state(again);
        EXPECT_EQ(read_text(again), read_text(path));
        EXPECT_LT(nmse(copy_of(session.feed(some_tokens(1, 7))), expected), 1e-3);
      }
    }
  }
}

TEST(CarriedState, WithItsBytesInReverseIsRefused) {
  const TempDir dir;
  const std::string path = dir.file("state");
  Session session(tiny(), small_session());
  session.feed(some_tokens(9));
  session.save_state(path);
  std::string content = read_text(path);
  std::reverse(content.begin() + 8, content.begin() + 12);   // the version
  std::reverse(content.begin() + 16, content.begin() + 24);  // the size
  dir.write("state", content);
  EXPECT_EQ(code_of([&] { session.restore_state(path); }), Errc::version);
  EXPECT_EQ(session.size(), 9);
}

}  // namespace
}  // namespace longhand::test
