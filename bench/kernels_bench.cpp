// Matrix kernels on one core: every instruction set x tensor type x tokens, with weights in the second cache
// level and, for few tokens, also from memory. Besides rates: products a cycle, cycles for 256 weights, and
// the share of what the product instruction reaches in the same milliseconds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "bench/product_loops.h"
#include "cli/measure/bench/random_blocks.h"
#include "engine/forward/activations.h"
#include "ops/buffer.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"

namespace longhand {
namespace {

constexpr int kCols = 2048;
constexpr int kCachedRows = 64;        // 72 KiB of Q4_K
constexpr int kStreamedRows = 131072;  // 144 MiB of Q4_K: several times any cache

// Seconds this thread has computed: what others take of the core does not count.
double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

// Cycles a second of this core right now: additions that wait for each other take one each.
double measure_clock() {
  constexpr int kRounds = 50'000, kAdditions = 16;
  std::uint64_t sum = 0, one = 1;
  const double begin = thread_seconds();
  for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < kAdditions; ++k) {
      sum += one;
      asm volatile("" : "+r"(sum), "+r"(one));
    }
  }
  return kRounds * kAdditions / (thread_seconds() - begin);
}

// Product instructions alone, in between: a tenth of the time, a few milliseconds apart.
class Peak {
 public:
  explicit Peak(const ProductLoop& loop) : loop_(loop) { measure(); }

  bool due() const { return thread_seconds() > due_; }
  void measure() {
    constexpr std::int32_t kRounds = 2000;
    const double begin = thread_seconds();
    loop_.run(kRounds);
    const double end = thread_seconds();
    products_ += double(kRounds) * loop_.products;
    took_ += end - begin;
    due_ = end + 10 * (end - begin);
  }
  /// Products a second.
  double rate() const { return products_ / took_; }

 private:
  const ProductLoop& loop_;
  double products_ = 0, took_ = 0, due_ = 0;
};

OwnActivations random_activations(const Kernels& k, const MatView& weights, int tokens) {
  OwnActivations x(tokens, kCols);
  const Linear user{weights, nullptr, 1};  // tells which rounding is needed
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int t = 0; t < tokens; ++t) {
    std::generate_n(x.row(t), kCols, [&] { return normal(random); });
    x.round(k, t, {0, kCols}, kinds_of({&user}));
  }
  return x;
}

void run_matmul(benchmark::State& state, const Kernels& k, FormatId format, int tokens, int rows) {
  const FormatInfo& info = format_info(format);
  const Buffer weights(panels_bytes(format, rows, kCols));
  Random random(1);
  // Any order of valid blocks is as good as a panel, but scales must stand where panels have them: rows are
  // made and interleaved.
  const std::size_t panel_rows = std::size_t{kPanelRows} * row_bytes(format, kCols);
  std::vector<std::byte> sixteen(panel_rows);
  cli::RandomBlocks(info, 0.02f).fill(sixteen, random);
  const MatView view{format, Layout::rows, kPanelRows, kCols, sixteen.data()};
  const std::size_t panel = panel_bytes(format, kCols);
  for (std::int32_t p = 0; p < panel_count(rows); ++p)
    interleave_panel(view, 0, weights.data() + std::size_t(p) * panel);

  const OwnActivations x = random_activations(k, view, tokens);
  std::vector<float> out(std::size_t(tokens) * std::size_t(rows));
  MatmulArgs a;
  a.panels = weights.data();
  a.panel_bytes = std::int64_t(panel);
  a.rows = rows;
  a.cols = kCols;
  a.panel_end = panel_count(rows);
  a.x = x.view(format, 0);
  a.tokens = tokens;
  a.out = out.data();
  a.out_stride = rows;
  const double clock = measure_clock();
  Peak peak(product_loops(k.name)[format]);
  double took = 0;
  for (auto _ : state) {
    const double begin = thread_seconds();
    k.matmul[format](a);
    benchmark::DoNotOptimize(out.data());
    took += thread_seconds() - begin;
    if (!peak.due()) continue;
    state.PauseTiming();
    peak.measure();
    state.ResumeTiming();
  }
  const double done = double(state.iterations()) * rows * kCols;
  const auto rate = benchmark::Counter::kIsRate;
  state.counters["GB"] = {done / info.block_elements * info.block_bytes * 1e-9, rate};
  state.counters["GMAC"] = {done * tokens * 1e-9, rate};
  const double cycles = took * clock;
  state.counters["MAC/cycle"] = done * tokens / cycles;
  state.counters["cycles/256"] = cycles / (done / 256);
  state.counters["of peak"] = done * tokens / took / peak.rate();
}

const int registered = [] {
  for (const Kernels* k : available_kernels()) {
    for (int f = 0; f < kFormatCount; ++f) {
      const FormatId format = FormatId(f);
      const std::string name = std::string("matmul/") + k->name + "/" + format_info(format).name + "/";
      const auto add = [&](const std::string& variant, int tokens, int rows) {
        benchmark::RegisterBenchmark((name + variant).c_str(), [=](benchmark::State& s) {
          run_matmul(s, *k, format, tokens, rows);
        })->Unit(benchmark::kMicrosecond);
      };
      for (const int tokens : {1, 4, 8, 16, 32})
        add(std::to_string(tokens) + "_from_memory", tokens, kStreamedRows);
      for (const int tokens : {1, 2, 4, 6, 8, 12, 16, 32, 64, 512})
        add(std::to_string(tokens), tokens, kCachedRows);
    }
  }
  return 0;
}();

}  // namespace
}  // namespace longhand
