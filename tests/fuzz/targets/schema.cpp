// JSON schemas, from any text, "SCHEMA\0CHOICES": what a schema's grammar accepts is JSON.
#include "engine/grammar/json_schema.h"

#include <nlohmann/json.hpp>

#include "engine/grammar/grammar.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grammar_walk.h"

namespace longhand::fuzz {

void run(std::string_view input) {
  Input in(input);
  const std::string_view schema = in.until('\0');
  std::string gbnf;
  if (!accepts([&] { gbnf = json_schema_to_gbnf(schema); })) return;
  check(gbnf == json_schema_to_gbnf(schema), "a schema has one grammar");
  if (gbnf.size() > (std::size_t{1} << 18)) return;  // reading it takes longer than it teaches
  accepts([&] {
    Grammar grammar = parse_gbnf(gbnf);
    GrammarMatcher matcher(std::move(grammar));
    constexpr std::size_t kMost = 400;
    const Walk walk = walk_grammar(matcher, in.rest().substr(0, kMost / 2), kMost);
    if (walk.complete) check(nlohmann::json::accept(walk.text), "what follows a schema is JSON");
  });
}

}  // namespace longhand::fuzz
