// Cost of the mask of a grammar: paid for each token whose first choice does not fit. Counters beside the
// mean give what 99 of 100 masks stay under and the longest, all in microseconds, over documents of a few
// schemas, or of those in the file $LONGHAND_SCHEMAS: a JSON object of objects with a "schema" each.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/sampling/grammar/grammar_filter.h"
#include "engine/types/json_schema.h"
#include "ops/random.h"

namespace {

using longhand::GrammarFilter;
using longhand::Token;
using longhand::TokenTable;

constexpr const char* kSchemas[] = {
    "{}",
    R"({"type":"object","properties":{"name":{"type":"string","maxLength":64},"age":{"type":"integer","minimum":0,
        "maximum":150},"tags":{"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true}},
        "required":["name","age"]})",
    R"({"type":"object","properties":{"id":{"type":"string","pattern":"^[a-z][a-z0-9_-]{2,63}$"},
        "when":{"type":"string","format":"date-time"},"body":{"type":"string","maxLength":65536}},
        "required":["id","when","body"]})",
    R"({"type":"array","items":{"type":"number","minimum":-90,"maximum":90,"multipleOf":0.01},"maxItems":1000})",
};

// Words of letters, digits and the signs of JSON and prose; the first token ends generation.
TokenTable words(int size) {
  longhand::Random random(2);
  auto pieces = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < size; ++i) {
    std::string piece = random.uniform() < 0.4 ? " " : "";
    const bool signs = random.uniform() < 0.2;
    for (std::uint64_t n = 1 + random.next() % 8; n > 0; --n) {
      const std::string_view from = signs ? "{}[]\":,.-0123456789\n" : "etaoinshrdlucmfwypvbgk";
      piece += from[random.next() % from.size()];
    }
    pieces->push_back(piece);
  }
  TokenTable tokens;
  tokens.size = size;
  tokens.piece = [pieces](Token t) { return (*pieces)[std::size_t(t)]; };
  tokens.ends_generation = [](Token t) { return t == 0; };
  tokens.find = [](std::string_view) { return longhand::kNoToken; };
  return tokens;
}

// Follows a random document: each token is drawn from those that are allowed.
void mask(benchmark::State& state, const std::string& schema) {
  constexpr int kVocabulary = 128000;
  GrammarFilter filter(longhand::json_schema_to_gbnf(schema), words(kVocabulary));
  longhand::Random random(3);
  std::vector<float> logits(kVocabulary);
  std::vector<double> times;
  filter.mask(logits);  // reads the vocabulary
  for (auto _ : state) {
    std::fill(logits.begin(), logits.end(), 0.0f);
    const auto start = std::chrono::steady_clock::now();
    filter.mask(logits);
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(taken.count() * 1e-6);
    times.push_back(taken.count());
    std::size_t at = random.next() % logits.size();
    for (std::size_t i = 0; i < logits.size() && logits[at] != 0.0f; ++i) at = (at + 1) % logits.size();
    filter.accept(Token(at));
  }
  std::sort(times.begin(), times.end());
  state.counters["p99_us"] = times.empty() ? 0.0 : times[times.size() * 99 / 100];
  state.counters["most_us"] = times.empty() ? 0.0 : times.back();
}

void add(const std::string& name, const std::string& schema) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [schema](benchmark::State& state) {
                                 try {
                                   mask(state, schema);
                                 } catch (const std::exception& error) { state.SkipWithError(error.what()); }
                               })
      ->Iterations(2000)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

// Whether there is such a file.
bool add_file() {
  const char* path = std::getenv("LONGHAND_SCHEMAS");
  if (path == nullptr) return false;
  std::ifstream in(path);
  const nlohmann::json file = nlohmann::json::parse(in);  // items() refers to it
  for (const auto& [name, entry] : file.items()) {
    const nlohmann::json& schema = entry["schema"];
    add(name, schema.is_string() ? schema.get<std::string>() : schema.dump());
  }
  return true;
}

const bool kAdded = [] {
  if (add_file()) return true;
  for (std::size_t i = 0; i < std::size(kSchemas); ++i) add("mask/" + std::to_string(i), kSchemas[i]);
  return true;
}();

}  // namespace
