// What workers pay to begin together and to wait for each other.
#include <benchmark/benchmark.h>

#include "ops/host/machine.h"
#include "ops/parallel.h"

namespace longhand {
namespace {

constexpr int kStages = 1000;

void each_team_size(benchmark::internal::Benchmark* b) {
  for (int workers = 1; workers <= usable_cores(); workers *= 2) b->Arg(workers);
  b->ArgName("workers")->UseRealTime();
}

// One parallel region with nothing in it.
void fork_join(benchmark::State& state) {
  Team team(int(state.range(0)));
  for (auto _ : state) team.run([](const Worker&) {});
}
BENCHMARK(fork_join)->Apply(each_team_size);

// A barrier between two empty stages; the counter is for one of them.
void barrier(benchmark::State& state) {
  Team team(int(state.range(0)));
  for (auto _ : state) {
    team.run([](const Worker& worker) {
      for (int i = 0; i < kStages; ++i) worker.sync();
    });
  }
  state.counters["per barrier"] = benchmark::Counter(
      double(state.iterations()) * kStages, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(barrier)->Apply(each_team_size);

}  // namespace
}  // namespace longhand
