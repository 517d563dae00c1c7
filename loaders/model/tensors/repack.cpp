// From the file's rows to panels, once at load.

#include <algorithm>

#include "loaders/model/weights.h"
#include "ops/error.h"
#include "ops/format.h"
#include "ops/interleaved.h"
#include "ops/panels.h"

namespace longhand {
namespace {

std::size_t aligned_panels_bytes(const MatView& m) {
  constexpr std::size_t kAlign = 64;
  return (panels_bytes(m.format, m.rows, m.cols) + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

std::size_t repacked_bytes(const Weights& weights) {
  std::size_t total = 0;
  for_each_linear(weights, [&](const Linear& l) { total += aligned_panels_bytes(l.weight); });
  return total;
}

void repack(Weights& w, const Gguf& file, Team& team, const std::function<bool(float)>& progress) {
  std::vector<MatView*> list;
  for_each_linear(w, [&](Linear& l) { list.push_back(&l.weight); });
  constexpr std::size_t kStripeBytes = std::size_t{16} << 20;
  const std::size_t total = repacked_bytes(w);
  std::size_t done = 0;
  Buffer buffer(total);
  const bool tied = w.output.weight.data == w.embedding.data;
  for (MatView* m : list) {
    std::byte* dst = buffer.data() + done;
    const MatView source = *m;
    const std::size_t stride = panel_bytes(source.format, source.cols);
    const std::size_t row = stored_row_bytes(source);
    // In stripes, each of which the file gives back at once: the memory needed stays near the size
    // of the file.
    const auto stripe = std::max(kPanelRows, std::int32_t(kStripeBytes / row / kPanelRows * kPanelRows));
    for (std::int32_t first = 0; first < source.rows; first += stripe) {
      const std::int32_t end = std::min(source.rows, first + stripe);
      team.run([&](const Worker& worker) {
        const Range part = worker.split(panel_count(end) - first / kPanelRows);
        for (std::int64_t i = part.begin; i < part.end; ++i) {
          const std::int64_t p = first / kPanelRows + i;
          interleave_panel(source, std::int32_t(p), dst + std::size_t(p) * stride);
        }
      });
      file.release({source.data + std::size_t(first) * row, std::size_t(end - first) * row});
    }
    m->layout = Layout::panels;
    m->data = dst;
    done += aligned_panels_bytes(source);
    if (progress && !progress(float(double(done) / double(total))))
      throw Error(Errc::cancelled, file.name() + ": loading was cancelled");
  }
  if (tied) w.embedding = w.output.weight;
  w.panels.push_back(std::move(buffer));
}

}  // namespace longhand
