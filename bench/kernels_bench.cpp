// Matrix kernels: every instruction set x tensor format x tokens, on one core from its cache.
// Counters: weights/s, and ns per 256 weights of one row and one token.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "ops/format.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"

namespace {

using namespace longhand;

constexpr int kRows = 64, kCols = 2048;  // 64 rows of Q4_K are 72 KiB: the second cache level

void run_matmul(benchmark::State& state, const Kernels& k, FormatId format, int tokens) {
  std::mt19937 random(1);
  std::vector<std::byte> weights(panels_bytes(format, kRows, kCols));
  for (auto& b : weights) b = std::byte(random() & 0x3F);
  std::vector<float> x(std::size_t(tokens) * kCols), out(std::size_t(tokens) * kRows);
  for (float& v : x) v = float(random() % 2000) / 1000 - 1;
  std::vector<std::int8_t> q8(x.size());
  std::vector<float> scale(x.size() / 32);
  std::vector<std::int32_t> sums(x.size() / 16);
  std::vector<std::int16_t> sums32(x.size() / 32);
  const int block = format_info(format).activation == Activation::q8_256 ? 256 : 32;
  for (int t = 0; t < tokens; ++t) {
    k.quantize(x.data() + t * kCols, kCols, block,
               {q8.data() + t * kCols, scale.data() + t * kCols / block, sums.data() + t * kCols / 16,
                sums32.data() + t * kCols / 32});
  }
  MatmulArgs a;
  a.panels = weights.data();
  a.panel_bytes = std::int64_t(panel_bytes(format, kCols));
  a.rows = kRows;
  a.cols = kCols;
  a.panel_end = panel_count(kRows);
  a.x = {x.data(), q8.data(), scale.data(),  sums.data(), sums32.data(),
         kCols,    kCols,     kCols / block, kCols / 16,  kCols / 32};
  a.tokens = tokens;
  a.out = out.data();
  a.out_stride = kRows;
  for (auto _ : state) {
    k.matmul[format](a);
    benchmark::DoNotOptimize(out.data());
  }
  const double weights_read = double(state.iterations()) * kRows * kCols;
  state.counters["GB/s"] = benchmark::Counter(
      weights_read / format_info(format).block_elements * format_info(format).block_bytes * 1e-9,
      benchmark::Counter::kIsRate);
  state.counters["GMAC/s"] = benchmark::Counter(weights_read * tokens * 1e-9, benchmark::Counter::kIsRate);
}

const int registered = [] {
  for (const Kernels* k : available_kernels()) {
    for (int f = 0; f < kFormatCount; ++f) {
      for (const int tokens : {1, 8, 64}) {
        const std::string name = std::string("matmul/") + k->name + "/" + format_info(FormatId(f)).name +
                                 "/" + std::to_string(tokens);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=](benchmark::State& s) { run_matmul(s, *k, FormatId(f), tokens); });
      }
    }
  }
  return 0;
}();

}  // namespace
