#include "cli/chat/chat_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/state/checksum.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ChatRecord sample() {
  ChatRecord record;
  record.model = "some model";
  record.system = "Be brief.";
  record.settings = {{"temp", "0.5"}, {"think", "off"}};
  record.turns = {{"Hi\n\"there\"", "Hello <|im_end|>", "", true},
                  {"Gr\xC3\xBC\xC3\x9F", "\xF0\x9F\x98\x80", "hmm", true, true},
                  {"Add",
                   "3",
                   "",
                   true,
                   false,
                   {{.role = "assistant", .content = "", .tool_calls = R"([{"id":"a1"}])"},
                    {.role = "tool", .content = "3\xFF", .tool_call_id = "a1", .name = "add"}}}};
  return record;
}

void expect_same(const ChatRecord& a, const ChatRecord& b) {
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.system, b.system);
  EXPECT_EQ(a.settings, b.settings);
  ASSERT_EQ(a.turns.size(), b.turns.size());
  for (std::size_t i = 0; i < a.turns.size(); ++i) {
    EXPECT_EQ(a.turns[i].user, b.turns[i].user);
    EXPECT_EQ(a.turns[i].answer, b.turns[i].answer);
    EXPECT_EQ(a.turns[i].reasoning, b.turns[i].reasoning);
    EXPECT_TRUE(b.turns[i].answered);
    EXPECT_EQ(a.turns[i].cut, b.turns[i].cut);
    ASSERT_EQ(a.turns[i].steps.size(), b.turns[i].steps.size());
    for (std::size_t n = 0; n < a.turns[i].steps.size(); ++n) {
      const ChatMessage &was = a.turns[i].steps[n], &is = b.turns[i].steps[n];
      EXPECT_EQ(was.role, is.role);
      EXPECT_EQ(was.content, is.content);
      EXPECT_EQ(was.tool_calls, is.tool_calls);
      EXPECT_EQ(was.tool_call_id, is.tool_call_id);
      EXPECT_EQ(was.name, is.name);
    }
  }
}

std::string sealed(const std::string& body) {
  char expected[80];
  std::snprintf(expected, sizeof expected, "{\"longhand_chat\":1,\"bytes\":%zu,\"crc32c\":\"%08x\"}\n",
                body.size(), crc32c(body));
  return expected + body;
}

Errc code_of(const std::string& content) {
  try {
    read_record(content, "chat.json");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("chat.json"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.code();
  }
  ADD_FAILURE() << "was read: " << content;
  return Errc::busy;
}

TEST(ChatRecord, ComesBackAsItWasWritten) {
  expect_same(sample(), read_record(write_record(sample()), "chat.json"));
  expect_same({}, read_record(write_record({}), "chat.json"));
}

TEST(ChatRecord, KeepsAnyBytes) {
  ChatRecord record = sample();
  std::string all;
  for (int b = 0; b < 256; ++b) all += char(b);
  record.turns[0].user = all;
  record.turns[1].answer = std::string("a\0b\xED\xA0\x80", 6);
  record.system = "\xC3";
  const std::string content = write_record(record);
  expect_same(record, read_record(content, "chat.json"));
  for (const char c : content) EXPECT_TRUE(c == '\n' || std::uint8_t(c) >= 0x20);
}

TEST(ChatRecord, KeepsTheTokensOfAnswers) {
  ChatRecord record = sample();
  record.sampled.resize(record.turns.size());
  record.sampled[0] = {{0, 7, 2147483647}, "\xC3\n<"};
  const ChatRecord back = read_record(write_record(record), "chat.json");
  ASSERT_EQ(back.sampled.size(), record.turns.size());
  for (std::size_t i = 0; i < record.turns.size(); ++i) {
    EXPECT_EQ(back.sampled[i].tokens, record.sampled[i].tokens);
    EXPECT_EQ(back.sampled[i].prompt_end, record.sampled[i].prompt_end);
  }
}

TEST(ChatRecord, ACutFileIsRefusedAtEveryByte) {
  const std::string content = write_record(sample());
  for (std::size_t size = 0; size < content.size(); ++size)
    EXPECT_ANY_THROW(read_record(content.substr(0, size), "chat.json")) << size;
  EXPECT_EQ(code_of(content + "x"), Errc::corrupt);
}

TEST(ChatRecord, EveryFlippedBitIsNoticed) {
  const std::string content = write_record(sample());
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = content;
      damaged[i] = char(damaged[i] ^ 1 << bit);
      EXPECT_THROW(read_record(damaged, "chat.json"), Error) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(ChatRecord, ForeignFilesAreRefusedByName) {
  EXPECT_EQ(code_of(""), Errc::magic);
  EXPECT_EQ(code_of("{\"turns\":[]}\n"), Errc::magic);
  EXPECT_EQ(code_of("{\"longhand_chat\":"), Errc::magic);
  EXPECT_EQ(code_of("{\"longhand_chat\":2,\"bytes\":3,\"crc32c\":\"00000000\"}\n{}\n"), Errc::version);
  EXPECT_EQ(code_of(std::string(100'000, '[')), Errc::magic);
}

TEST(ChatRecord, WhatIsSealedButNoChatIsRefused) {
  EXPECT_EQ(code_of(sealed("nonsense\n")), Errc::corrupt);
  EXPECT_EQ(code_of(sealed("[]\n")), Errc::type);
  EXPECT_EQ(code_of(sealed("{}\n")), Errc::missing);
  const std::string head = R"({"model":"m","system":"","settings":{},"turns":)";
  EXPECT_EQ(code_of(sealed(head + "{}}\n")), Errc::type);
  EXPECT_EQ(code_of(sealed(head + "[3]}\n")), Errc::type);
  EXPECT_EQ(code_of(sealed(head + R"([{"user":"a"}]})" + "\n")), Errc::missing) << "an unanswered turn";
  EXPECT_EQ(code_of(sealed(head + R"([{"user":7,"answer":"b"}]})" + "\n")), Errc::type);
  EXPECT_EQ(code_of(sealed(head + R"([{"user":{"bytes":"\u0100"},"answer":"b"}]})" + "\n")), Errc::range);
  for (const char* tokens : {"3", "[-1]", "[1.5]", "[2147483648]", "[\"a\"]"})
    EXPECT_EQ(
        code_of(sealed(head + R"([{"user":"a","answer":"b","prompt_end":"","tokens":)" + tokens + "}]}\n")),
        Errc::type)
        << tokens;
  for (const auto& [steps, code] : {std::pair("3", Errc::type),
                                    {"[3]", Errc::type},
                                    {"[{}]", Errc::missing},
                                    {R"([{"role":"user"}])", Errc::range},
                                    {R"([{"role":"system"}])", Errc::range},
                                    {R"([{"role":"tool","content":7}])", Errc::type},
                                    {R"([{"role":"assistant","tool_calls":"{}"}])", Errc::type},
                                    {R"([{"role":"assistant","tool_calls":"[1"}])", Errc::type}}) {
    EXPECT_EQ(code_of(sealed(head + R"([{"user":"a","answer":"b","steps":)" + steps + "}]}\n")), code)
        << steps;
  }
  EXPECT_EQ(code_of(sealed(std::string(200'000, '[') + std::string(200'000, ']') + "\n")), Errc::type);
  EXPECT_EQ(read_record(sealed(head + R"([{"user":"a","answer":"b"}]})" + "\n"), "chat.json").turns.size(),
            1u);
}

}  // namespace
}  // namespace longhand::cli
