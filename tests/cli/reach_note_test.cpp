// What /show says of a memory: no kind claims to keep what it forgets.
#include "cli/chat/reach_note.h"

#include <gmock/gmock.h>

namespace longhand::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

SessionMemory memory(std::string_view name, int exact_until) {
  SessionMemory m;
  m.name = name;
  m.exact_until = exact_until;
  m.window = 128;
  m.bytes = 3 << 20;
  return m;
}

TEST(DescribeMemory, OfEveryKind) {
  EXPECT_THAT(describe_memory(memory("full", 4096), 4096), StartsWith("every token as it is; "));
  EXPECT_THAT(describe_memory(memory("rerope", 4096), 4096), StartsWith("every token as it is; "));
  EXPECT_THAT(describe_memory(memory("window", 132), 4096),
              AllOf(HasSubstr("the last 128"), HasSubstr("none between"), Not(HasSubstr("every token"))));
  EXPECT_THAT(describe_memory(memory("performer", 132), 4096),
              AllOf(HasSubstr("the last 128"), HasSubstr("features"), Not(HasSubstr("every token"))));
  SessionMemory vq = memory("vq", 132);
  vq.summary_window = 128;
  vq.codes = 256;
  EXPECT_THAT(describe_memory(vq, 4096), AllOf(HasSubstr("256 codes"), Not(HasSubstr("every token"))));
  SessionMemory later = vq;
  later.name = "auto";
  later.exact_until = 1024;
  EXPECT_THAT(describe_memory(later, 4096),
              AllOf(StartsWith("every token as it is up to 1024, then "), HasSubstr("256 codes")));
}

}  // namespace
}  // namespace longhand::cli
