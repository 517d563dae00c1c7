// Attention over depth: tokens of a model that has hardly any weights but the heads of a 1B model, so that
// nearly all of its time goes to keys and values. Depth 0 tells what the rest takes.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <vector>

#include "cli/bench/memory_file.h"
#include "cli/bench/synthetic_model.h"
#include "cli/bench/traffic.h"

namespace longhand {
namespace {

constexpr int kDeepest = 8192, kBatch = 512;
constexpr cli::ModelShape kShape{.name = "heads",
                                 .arch = "llama",
                                 .layers = 2,
                                 .hidden = 256,
                                 .heads = 32,
                                 .kv_heads = 8,
                                 .head_dim = 64,
                                 .ff = 256,
                                 .vocab = 512,
                                 .tied = true,
                                 .context = kDeepest + kBatch,
                                 .rope_base = 10000,
                                 .epsilon = 1e-5f};

const Model& model() {
  static const Model loaded = [] {
    const cli::MemoryFile memory("heads");
    cli::OutputFile file(memory.path());
    cli::write_synthetic({&kShape, cli::find_mix("Q8_0")}, file, {});
    file.finish();
    return Model::load(memory.path());
  }();
  return loaded;
}

std::vector<Token> some_tokens(int n) {
  std::vector<Token> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back(i * 7919 % kShape.vocab);
  return tokens;
}

void attend(benchmark::State& state, CacheType type, int count) {
  const auto depth = static_cast<int>(state.range(0));
  SessionOptions options;
  options.key_cache = options.value_cache = type;
  options.context = depth + count;
  options.batch = kBatch;
  options.threads = static_cast<int>(state.range(1));
  Session session(model(), options);
  if (depth > 0) session.feed(some_tokens(depth));
  const auto tokens = some_tokens(count);
  for (auto _ : state) {
    session.rewind(depth);
    session.feed(tokens);
  }
  const double fed = double(state.iterations()) * count;
  // A token meets all before it and half of those beside it: a product with each key and each value.
  const double macs = 2.0 * kShape.layers * kShape.heads * kShape.head_dim * (depth + count / 2.0);
  state.counters["tokens"] = benchmark::Counter(fed, benchmark::Counter::kIsRate);
  state.counters["GMAC"] = benchmark::Counter(fed * macs * 1e-9, benchmark::Counter::kIsRate);
  if (count == 1) {  // longer batches read the cache once for many tokens
    state.counters["GB"] = benchmark::Counter(
        fed * double(cli::cache_traffic(model(), type, type, depth)) * 1e-9, benchmark::Counter::kIsRate);
  }
}

void depths(benchmark::internal::Benchmark* b) {
  for (const int threads : {1, 2}) {
    for (const int depth : {0, 512, 2048, kDeepest}) b->Args({depth, threads});
  }
  b->ArgNames({"depth", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(attend, f32_decode, CacheType::f32, 1)->Apply(depths);
BENCHMARK_CAPTURE(attend, f16_decode, CacheType::f16, 1)->Apply(depths);
BENCHMARK_CAPTURE(attend, q8_0_decode, CacheType::q8_0, 1)->Apply(depths);
BENCHMARK_CAPTURE(attend, f16_prefill, CacheType::f16, kBatch)->Apply(depths);
BENCHMARK_CAPTURE(attend, q8_0_prefill, CacheType::q8_0, kBatch)->Apply(depths);

}  // namespace
}  // namespace longhand
