// Metadata in place of a file's own.
#include <gtest/gtest.h>

#include "loaders/gguf/gguf.h"
#include "loaders/gguf/keys.h"
#include "tests/support/error_code.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

std::span<const std::byte> bytes_of(const std::string& file) { return std::as_bytes(std::span(file)); }

TEST(Override, ValuesTakeThePlaceOfThoseInTheFileOrAreAdded) {
  const std::string file = test::tiny_llama().build();
  Gguf gguf = Gguf::parse(bytes_of(file), "m");
  const std::size_t before = gguf.metadata().size();
  const std::int64_t layers = gguf.require_int(key::block_count);
  gguf.override_metadata(std::vector<std::string>{
      "llama.context_length=int:77", "general.name=str:a=b:c", "llama.rope.freq_base=float:5e5",
      "tokenizer.ggml.add_bos_token=bool:true", "new.key=int:-3", "llama.context_length=int:78"});
  EXPECT_EQ(gguf.require_int(key::context_length), 78) << "the last counts";
  EXPECT_EQ(gguf.get_string(key::name), "a=b:c");
  EXPECT_EQ(gguf.get_float(key::rope_base), 5e5);
  EXPECT_EQ(gguf.get_bool(key::add_bos), true);
  EXPECT_EQ(gguf.require_int(key::block_count), layers);
  ASSERT_NE(gguf.find("new.key"), nullptr);
  EXPECT_GT(gguf.metadata().size(), before);
  const Gguf moved = std::move(gguf);
  EXPECT_EQ(moved.get_string(key::name), "a=b:c");
}

TEST(Override, TheArchitectureCanBeAnother) {
  const std::string file = test::tiny_llama().build();
  Gguf gguf = Gguf::parse(bytes_of(file), "m");
  gguf.override_metadata(
      std::vector<std::string>{"general.architecture=str:qwen2", "qwen2.block_count=int:1"});
  EXPECT_EQ(gguf.architecture(), "qwen2");
  EXPECT_EQ(gguf.require_int(key::block_count), 1);
}

TEST(Override, WhatIsCheckedInAFileIsCheckedHere) {
  const std::string file = test::tiny_llama().build();
  Gguf gguf = Gguf::parse(bytes_of(file), "m");
  gguf.override_metadata(
      std::vector<std::string>{"llama.context_length=int:-5", "llama.block_count=str:two"});
  EXPECT_EQ(test::code_of([&] { gguf.require_int(key::context_length); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { gguf.require_int(key::block_count); }), Errc::type);
}

TEST(Override, OtherTextsAreRefusedAndChangeNothing) {
  const std::string file = test::tiny_llama().build();
  Gguf gguf = Gguf::parse(bytes_of(file), "m");
  const std::int64_t context = gguf.require_int(key::context_length);
  for (const char* text : {"", "a", "a=", "=int:1", "a=int", "a:int=1", "a=int:", "a=int:1x", "a=int:1.5",
                           "a=int: 1", "a=int:99999999999999999999", "a=float:x", "a=float:nan",
                           "a=float:inf", "a=bool:1", "a=bool:TRUE", "a=u32:1", "a=arr:1"})
    EXPECT_EQ(test::code_of([&] {
                gguf.override_metadata(std::vector<std::string>{"llama.context_length=int:3", text});
              }),
              Errc::range)
        << text;
  EXPECT_EQ(gguf.require_int(key::context_length), context);
}

}  // namespace
}  // namespace longhand
