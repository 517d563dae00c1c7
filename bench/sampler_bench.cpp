// Cost of drawing a token: it is paid once per token beside the forward pass.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/api/access.h"
#include "engine/longhand.h"
#include "engine/sampling/token_table.h"
#include "ops/random.h"

namespace {

using longhand::Access;
using longhand::Sampler;
using longhand::SamplerOptions;
using longhand::Token;
using longhand::TokenTable;

TokenTable table(int size) {
  TokenTable tokens;
  tokens.size = size;
  tokens.piece = [](Token t) { return std::string(1 + std::size_t(t % 5), char('a' + t % 26)); };
  tokens.ends_generation = [](Token t) { return t == 0; };
  tokens.find = [](std::string_view) { return longhand::kNoToken; };
  return tokens;
}

// Bell-shaped, as the logits of models are.
std::vector<float> logits(int size) {
  longhand::Random random(1);
  std::vector<float> x = std::vector<float>(std::size_t(size));
  for (float& v : x) {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    v = float(sum * 3.0);
  }
  return x;
}

void pick(benchmark::State& state, const SamplerOptions& options) {
  const int size = int(state.range(0));
  Sampler sampler = Access::sampler(options, table(size));
  const std::vector<float> x = logits(size);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(x));
}

void default_chain(benchmark::State& state) { pick(state, SamplerOptions{}); }
void greedy(benchmark::State& state) {
  SamplerOptions options;
  options.temperature = 0;
  pick(state, options);
}
void top_p_alone(benchmark::State& state) {
  SamplerOptions options;
  options.top_k = 0;
  options.min_p = 0;
  pick(state, options);
}
void penalties_and_dry(benchmark::State& state) {
  SamplerOptions options;
  options.repeat_penalty = 1.1f;
  options.dry_multiplier = 0.8f;
  options.dry_penalty_last_n = 4096;
  pick(state, options);
}

constexpr const char* kJson =
    "root ::= value\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" ws (pair (\",\" ws pair)*)? \"}\" ws\n"
    "pair ::= string \":\" ws value\n"
    "array ::= \"[\" ws (value (\",\" ws value)*)? \"]\" ws\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1F] | \"\\\\\" [\"\\\\/bfnrt])* \"\\\"\" ws\n"
    "number ::= \"-\"? [0-9]+ (\".\" [0-9]+)? ws\n"
    "ws ::= [ \\n]{0,20}\n";

// Words of letters, digits and JSON's signs, each a token; the first ends generation.
TokenTable words(int size) {
  TokenTable tokens = table(size);
  longhand::Random random(2);
  auto pieces = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < size; ++i) {
    std::string piece = random.uniform() < 0.4 ? " " : "";
    for (std::uint64_t n = 1 + random.next() % 8; n > 0; --n)
      piece += "etaoinshrdlucmfw{}[]\":,019"[random.next() % 26];
    pieces->push_back(piece);
  }
  tokens.piece = [pieces](Token t) { return (*pieces)[std::size_t(t)]; };
  return tokens;
}

// Random logits: nearly every token is first rejected, so this is the cost of a full mask.
void grammar_rejecting(benchmark::State& state) {
  const int size = int(state.range(0));
  SamplerOptions options;
  options.seed = 3;
  options.grammar = kJson;
  Sampler sampler = Access::sampler(options, words(size));
  const std::vector<float> x = logits(size);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(x));
}

BENCHMARK(grammar_rejecting)->Arg(32000)->Arg(152000)->Unit(benchmark::kMicrosecond);
BENCHMARK(default_chain)->Arg(32000)->Arg(152000)->Unit(benchmark::kMicrosecond);
BENCHMARK(greedy)->Arg(32000)->Arg(152000)->Unit(benchmark::kMicrosecond);
BENCHMARK(top_p_alone)->Arg(32000)->Arg(152000)->Unit(benchmark::kMicrosecond);
BENCHMARK(penalties_and_dry)->Arg(32000)->Arg(152000)->Unit(benchmark::kMicrosecond);

}  // namespace
