// From the file's rows to panels, once at load.

#include "loaders/weights.h"
#include "ops/error.h"
#include "ops/format.h"
#include "ops/panels.h"

namespace longhand {
void repack(Weights& w, const Gguf& file, Team& team, const std::function<bool(float)>& progress) {
  std::vector<MatView*> list;
  for_each_linear(w, [&](Linear& l) { list.push_back(&l.weight); });
  constexpr std::size_t kAlign = 64;
  std::size_t total = 0, done = 0;
  const auto size_of = [](const MatView& m) {
    return (panels_bytes(m.format, m.rows, m.cols) + kAlign - 1) / kAlign * kAlign;
  };
  for (const MatView* m : list) total += size_of(*m);
  Buffer buffer(total);
  const bool tied = w.output.weight.data == w.embedding.data;
  for (MatView* m : list) {
    std::byte* dst = buffer.data() + done;
    const MatView source = *m;
    const std::size_t stride = panel_bytes(source.format, source.cols);
    team.run([&](const Worker& worker) {
      const Range part = worker.split(panel_count(source.rows));
      for (std::int64_t p = part.begin; p < part.end; ++p)
        interleave_panel(source, std::int32_t(p), dst + std::size_t(p) * stride);
    });
    m->layout = Layout::panels;
    m->data = dst;
    done += size_of(source);
    file.release({source.data, row_bytes(source.format, source.cols) * std::size_t(source.rows)});
    if (progress && !progress(float(double(done) / double(total))))
      throw Error(Errc::cancelled, file.name() + ": loading was cancelled");
  }
  if (tied) w.embedding = w.output.weight;
  w.panels.push_back(std::move(buffer));
}

}  // namespace longhand
