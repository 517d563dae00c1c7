// Attention over depth: every instruction set x cache type x depth. Tokens of a model that has hardly any
// weights but the heads of a 1B model, so that nearly all of its time goes to keys and values. Depth 0 tells
// what the rest takes.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "cli/measure/bench/memory_file.h"
#include "cli/measure/bench/synthetic_model.h"
#include "cli/measure/bench/traffic.h"
#include "engine/state/cache_type.h"
#include "ops/kernel_table.h"

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

Model load(const Kernels& k) {
  const cli::MemoryFile memory("heads");
  cli::OutputFile file(memory.path());
  cli::write_synthetic({&kShape, cli::find_mix("Q8_0")}, file, {});
  file.finish();
  return Model::load(memory.path(), {.isa = k.name});
}

const Model& model(const Kernels& k) {
  static std::map<const Kernels*, Model> loaded;
  const auto found = loaded.find(&k);
  return found != loaded.end() ? found->second : loaded.emplace(&k, load(k)).first->second;
}

std::vector<Token> some_tokens(int n) {
  std::vector<Token> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back(i * 7919 % kShape.vocab);
  return tokens;
}

void attend(benchmark::State& state, const Kernels& k, CacheType type, int count) {
  const auto depth = int(state.range(0));
  SessionOptions options;
  options.key_cache = options.value_cache = type;
  options.context = depth + count;
  options.batch = kBatch;
  options.threads = int(state.range(1));
  Session session(model(k), options);
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
        fed * double(cli::cache_traffic(model(k), type, type, depth)) * 1e-9, benchmark::Counter::kIsRate);
  }
}

void depths(benchmark::internal::Benchmark* b) {
  for (const int threads : {1, 2}) {
    for (const int depth : {0, 512, 2048, kDeepest}) b->Args({depth, threads});
  }
  b->ArgNames({"depth", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
}

const int registered = [] {
  for (const Kernels* k : available_kernels()) {
    for (const CacheTypeInfo& type : kCacheTypes) {
      const auto add = [&](const char* what, int count) {
        const std::string name = fmt::format("attend/{}/{}/{}", k->name, type.name, what);
        const auto run = [=, type = type.type](benchmark::State& s) { attend(s, *k, type, count); };
        benchmark::RegisterBenchmark(name.c_str(), run)->Apply(depths);
      };
      add("decode", 1);
      add("prefill", kBatch);
    }
  }
  return 0;
}();

}  // namespace
}  // namespace longhand
