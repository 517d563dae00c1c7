#include "cli/measure/plot/measurement_plots.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/flags/session_flags.h"
#include "cli/measure/bench/report_parts.h"
#include "cli/measure/plot/plot.h"
#include "cli/terminal/output_filter.h"
#include "engine/state/atomic_file.h"

namespace longhand::cli {
namespace {

// A test's name without its depth, with what else may tell it from others.
std::string curve_name(const BenchReport& report, BenchTest test, bool several_models) {
  test.depth = 0;
  std::string name = bench_test_name(test);
  name += fmt::format(" {}", cache_type_name(test.key_cache));
  if (test.value_cache != test.key_cache) name += fmt::format("/{}", cache_type_name(test.value_cache));
  name += fmt::format(" -t {}", test.threads);
  return several_models ? fmt::format("{}, {}", report.model.type, name) : name;
}

Curve& curve_of(std::vector<Curve>& curves, const std::string& name) {
  const auto there = std::ranges::find(curves, name, &Curve::name);
  return there != curves.end() ? *there : curves.emplace_back(Curve{name, {}});
}

}  // namespace

std::string perplexity_svg(const PerplexityReport& report) {
  Curve curve{model_label(report.model), {}};
  for (const PositionBucket& bucket : report.buckets)
    curve.points.emplace_back((bucket.from + bucket.to) / 2.0, bucket.loss.mean());
  return curve_svg({"Loss over the position", "position (tokens)", "loss (nats a token)", {curve}});
}

std::string passkey_svg(const PasskeyReport& report) {
  CellPlot plot{"Words found (%)", "tokens of the chat", "depth of the word", {}, {}, {}};
  for (const int length : report.lengths) plot.columns.push_back(fmt::format("{}", length));
  for (const double depth : report.depths) plot.rows.push_back(fmt::format("{:.0f} %", 100 * depth));
  for (const PasskeyCell& cell : report.cells) plot.shares.push_back(cell.found());
  return cell_svg(plot);
}

std::string bench_svg(std::span<const BenchReport> reports) {
  const auto only_writes = [](const BenchResult& r) { return r.test.prompt == 0; };
  const bool writing = std::ranges::any_of(
      reports, [&](const BenchReport& report) { return std::ranges::any_of(report.results, only_writes); });
  const std::string title = reports.size() == 1 ? model_label(reports[0].model) : "Speed over depth";
  CurvePlot plot{title, "tokens before", writing ? "tokens written a second" : "tokens a second", {}};
  for (const BenchReport& report : reports) {
    for (const BenchResult& result : report.results) {
      if (writing && !only_writes(result)) continue;
      Curve& curve = curve_of(plot.curves, curve_name(report, result.test, reports.size() > 1));
      curve.points.emplace_back(result.test.depth, spread(token_rates(result)).mean);
    }
  }
  for (Curve& curve : plot.curves) std::ranges::sort(curve.points);
  return curve_svg(plot);
}

void write_plot(const std::string& path, const std::string& svg) {
  replace_file(path, svg, system_calls(), kOrdinary);
}

}  // namespace longhand::cli
