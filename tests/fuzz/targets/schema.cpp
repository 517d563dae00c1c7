// JSON schemas, from any text, "SCHEMA\0CHOICES": what a schema's grammar accepts is JSON.
#include "engine/types/json_schema.h"

#include <nlohmann/json.hpp>

#include "engine/sampling/grammar/grammar.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grammar_walk.h"

namespace longhand::fuzz {
namespace {

// A schema's grammar may be too large, or impossible, but is never malformed.
Grammar read_own(const std::string& gbnf) {
  try {
    return parse_gbnf(gbnf);
  } catch (const Error& error) {
    const std::string_view message = error.what();
    const bool too_deep = message.find("nest deeper") != std::string_view::npos;
    check(too_deep || !message.starts_with("grammar line"), "the grammar of a schema can be read");
    throw;
  }
}

}  // namespace

void run(std::string_view input) {
  Input in(input);
  const std::string_view schema = in.until('\0');
  std::string gbnf;
  if (!accepts([&] { gbnf = json_schema_to_gbnf(schema); })) return;
  check(gbnf == json_schema_to_gbnf(schema), "a schema has one grammar");
  if (gbnf.size() > (std::size_t{1} << 18)) return;  // reading it takes longer than it teaches
  accepts([&] {
    GrammarMatcher matcher(read_own(gbnf));
    constexpr std::size_t kMost = 400;
    const Walk walk = walk_grammar(matcher, in.rest().substr(0, kMost / 2), kMost);
    if (walk.complete) check(nlohmann::json::accept(walk.text), "what follows a schema is JSON");
  });
}

}  // namespace longhand::fuzz
