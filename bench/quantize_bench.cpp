// Rounding activations to bytes, as it is done once for each stage: every instruction set x block size.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>

#include "engine/forward/activations.h"
#include "ops/kernel_table.h"

namespace longhand {
namespace {

void round_row(benchmark::State& state, const Kernels& k, const FormatInfo& format) {
  const auto cols = std::int32_t(state.range(0));
  OwnActivations x(1, cols);
  const std::byte nothing{};
  Linear user;  // tells which rounding is needed
  user.weight = {FormatId(find_format(format.gguf)), Layout::rows, 1, cols, &nothing};
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::generate_n(x.row(0), cols, [&] { return normal(random); });
  for (auto _ : state) {
    x.round(k, 0, {0, cols}, kinds_of({&user}));
    benchmark::ClobberMemory();
  }
  state.counters["values"] =
      benchmark::Counter(double(state.iterations()) * cols, benchmark::Counter::kIsRate);
}

const int registered = [] {
  for (const Kernels* k : available_kernels()) {
    for (const FormatInfo* format : {&Q4_0::info, &Q4_K::info}) {  // one scale per 32 and per 256 values
      benchmark::RegisterBenchmark((std::string("quantize/") + k->name + "/for_" + format->name).c_str(),
                                   [=](benchmark::State& s) { round_row(s, *k, *format); })
          ->Arg(2048)
          ->Arg(8192);
    }
  }
  return 0;
}();

}  // namespace
}  // namespace longhand
