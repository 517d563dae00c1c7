#include "cli/measure/bench/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>

#include "cli/measure/bench/machine.h"
#include "ops/buffer.h"
#include "ops/host/machine.h"
#include "ops/parallel.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kLeastBytes = std::size_t{256} << 20;
constexpr std::size_t kCaches =
    4;  // times the last cache, so that next to nothing of a pass stays for the next
constexpr int kPasses = 8;

using Vector = std::uint64_t __attribute__((vector_size(16)));  // every CPU this builds for has these
constexpr std::size_t kStep = 4 * sizeof(Vector);

Vector load(const std::byte* data) {
  Vector v;
  std::memcpy(&v, data, sizeof v);
  return v;
}

// Four independent sums: even with such short vectors a core adds more than it gets from memory.
std::uint64_t sum_words(std::span<const std::byte> data) {
  Vector a{}, b{}, c{}, d{};
  const std::byte* const end = data.data() + data.size() / kStep * kStep;
  for (const std::byte* p = data.data(); p != end; p += kStep) {
    a += load(p);
    b += load(p + sizeof a);
    c += load(p + 2 * sizeof a);
    d += load(p + 3 * sizeof a);
  }
  a += b + c + d;
  return a[0] + a[1];
}

}  // namespace

double read_bandwidth(int threads) {
  const std::size_t size = std::max(kLeastBytes, kCaches * last_level_cache());
  const std::uint64_t free = available_memory();
  if (free > 0 && free < 2 * size) return 0;
  const Buffer buffer(size);
  Team team(threads);
  const auto part_of = [&](const Worker& worker) {
    const Range range = worker.split(std::int64_t(size), std::int64_t{kStep});
    return std::span(buffer.data() + range.begin, std::size_t(range.end - range.begin));
  };
  // Pages that were never written are all the same page of zeros.
  team.run([&](const Worker& worker) {
    const auto part = part_of(worker);
    std::memset(part.data(), 1, part.size());
  });
  std::atomic<std::uint64_t> total{0};  // keeps the sums from being optimised away
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    team.run([&](const Worker& worker) { total += sum_words(part_of(worker)); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, double(size) / seconds.count());
  }
  return total != 0 ? best : 0;
}

}  // namespace longhand::cli
