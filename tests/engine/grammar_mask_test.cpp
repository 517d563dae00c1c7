// Masks are kept by state and put together from tokens of ordinary characters: each must say what single
// tokens say.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/sampling/grammar/grammar_filter.h"
#include "engine/types/json_schema.h"
#include "ops/random.h"

namespace longhand {
namespace {

// Ordinary and other tokens, some of several characters, some of parts of one.
TokenTable vocabulary() {
  std::vector<std::string> pieces = {"",    "\"",  "\",", "a\"", "\xC3", "\xA9", "\xE2\x82",
                                     "{\"", "\":", ":",   ",",   "}",    "]",    "["};
  Random random(7);
  for (int i = 0; i < 300; ++i) {
    std::string piece;
    for (std::uint64_t n = 1 + random.next() % 7; n > 0; --n) {
      constexpr std::string_view kPlain[] = {"a", "b", "k", "1", " ", "\xC3\xA9", "\xF0\x9F\x98\x80"};
      piece += kPlain[random.next() % std::size(kPlain)];
    }
    pieces.push_back(piece);
  }
  TokenTable table;
  table.size = int(pieces.size());
  table.piece = [pieces](Token t) { return pieces.at(std::size_t(t)); };
  table.ends_generation = [](Token t) { return t == 0; };
  table.find = [](std::string_view) { return kNoToken; };
  return table;
}

TEST(GrammarMask, AgreesWithSingleTokens) {
  const TokenTable table = vocabulary();
  for (const std::string schema :
       {R"({"type":"string"})", R"({"type":"string","maxLength":9})", R"({"type":"string","minLength":12})",
        R"({"type":"string","minLength":40,"maxLength":90})", R"({"type":"string","pattern":"^[ab]{3,70}$"})",
        R"({"type":"string","pattern":"^[^1]*$","maxLength":50})",
        R"({"type":"array","items":{"type":"string","maxLength":3},"maxItems":40})",
        R"({"type":"object","additionalProperties":{"type":"string","maxLength":5},"maxProperties":3})"}) {
    SCOPED_TRACE(schema);
    GrammarFilter filter(json_schema_to_gbnf(schema), table);
    Random random(1);
    for (int step = 0; step < 60; ++step) {
      std::vector<float> logits(std::size_t(table.size), 0.0f);
      filter.mask(logits);
      std::vector<Token> open;
      for (Token t = 0; t < table.size; ++t) {
        const bool allowed = logits[std::size_t(t)] == 0.0f;
        ASSERT_EQ(allowed, filter.allows(t)) << "token " << t << " at step " << step;
        if (allowed) open.push_back(t);
      }
      ASSERT_FALSE(open.empty()) << step;
      filter.accept(open[random.next() % open.size()]);
    }
  }
}

}  // namespace
}  // namespace longhand
