// The forms of a report that people read.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/flags/session_flags.h"
#include "cli/measure/bench/report.h"
#include "cli/measure/bench/report_parts.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/units.h"

namespace longhand::cli {
namespace {

constexpr const char* kBlock = "\u2588";
constexpr const char* kLightBlock = "\u2591";

std::string repeat(const char* text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

/// Test and whatever else sets its row apart from others.
std::string row_name(const BenchReport& report, const BenchResult& result) {
  std::string name = bench_test_name(result.test);
  const BenchTest& first = report.results.front().test;
  const auto differs = [&](const auto& get) {
    return std::ranges::any_of(report.results,
                               [&](const BenchResult& r) { return get(r.test) != get(first); });
  };
  if (differs([](const BenchTest& t) { return t.threads; })) name += fmt::format(" t{}", result.test.threads);
  if (differs([](const BenchTest& t) { return std::pair(t.key_cache, t.value_cache); })) {
    name += fmt::format(" {}/{}", cache_type_name(result.test.key_cache),
                        cache_type_name(result.test.value_cache));
  }
  return name;
}

/// "44.1 GB/s, 83 %" of tests that only write.
std::string traffic_cell(const BenchResult& result) {
  if (result.bytes_per_token == 0) return "";
  if (result.fits_in_cache) return "fits in cache";
  const double used = spread(token_rates(result)).mean * double(result.bytes_per_token);
  std::string cell = fmt::format("{:.1f} GB/s", used * 1e-9);
  if (const double share = bandwidth_share(result); share > 0) cell += fmt::format(", {:.0f} %", share * 100);
  return cell;
}

/// What holds for the whole run, in one line.
std::string summary(const BenchReport& report) {
  std::string line = fmt::format("load {:.2f} s", report.load_seconds);
  if (report.peak_memory > 0) line += fmt::format(", peak memory {}", format_bytes(report.peak_memory));
  line += fmt::format(", {}", report.model.isa);
  double clock = 0, bandwidth = 0;
  for (const BenchResult& result : report.results) {
    clock = std::max(clock, result.clock_mhz);
    bandwidth = std::max(bandwidth, result.read_bandwidth);
  }
  if (clock > 0) line += fmt::format(", {:.0f} MHz", clock);
  if (bandwidth > 0) line += fmt::format(", memory reads {:.1f} GB/s", bandwidth * 1e-9);
  return line + "\n";
}

/// One row of the chart in tokens a second.
struct Bar {
  std::string name, note;
  double rate = 0, limit = 0;  // limit: what the bandwidth allows, at least `rate`
};

Bar make_bar(const BenchReport& report, const BenchResult& result) {
  Bar bar{row_name(report, result), "", spread(token_rates(result)).mean, 0};
  bar.note = fmt::format("{:.1f} t/s", bar.rate);
  bar.limit = bar.rate;
  if (const double share = bandwidth_share(result); share > 0) {
    bar.limit = std::max(bar.rate, bar.rate / share);
    bar.note += fmt::format(", {:.0f} % of memory", share * 100);
  }
  return bar;
}

std::string draw(const std::vector<Bar>& bars, int width) {
  std::size_t name_width = 0, note_width = 0;
  double longest = 0;
  for (const Bar& bar : bars) {
    name_width = std::max(name_width, bar.name.size());
    note_width = std::max(note_width, bar.note.size());
    longest = std::max(longest, bar.limit);
  }
  // Two spaces between, and the last column stays free: some terminals go to the next line after it.
  const int room = std::max(8, width - int(name_width + note_width) - 3);
  std::string out;
  for (const Bar& bar : bars) {
    const auto cells = [&](double rate) { return int(std::lround(rate / longest * room)); };
    const int full = cells(bar.rate), limit = cells(bar.limit);
    out += fmt::format("{:<{}} {}{}{} {}\n", bar.name, name_width, repeat(kBlock, full),
                       repeat(kLightBlock, limit - full), repeat(" ", room - limit), bar.note);
  }
  return out;
}

}  // namespace

std::string model_label(const ModelInfo& model) {
  return make_visible(
      fmt::format("{} {} {}", model.architecture, format_count(model.parameters), model.type));
}

std::string bench_markdown(std::span<const BenchReport> reports) {
  constexpr const char* kRow =
      "| {:<30} | {:>10} | {:>10} | {:<7} | {:>7} | {:>9} | {:>18} | {:>17} | {:>16} |\n";
  std::string out = fmt::format(kRow, "model", "size", "params", "backend", "threads", "kv cache", "test",
                                "t/s", "memory reads");
  out += fmt::format(
      "| {:-<30} | {:->9}: | {:->9}: | {:-<7} | {:->6}: | {:->8}: | {:->17}: | {:->16}: | {:->15}: |\n", "",
      "", "", "", "", "", "", "", "");
  std::string summaries;
  for (const BenchReport& report : reports) {
    for (const BenchResult& result : report.results) {
      const Spread rate = spread(token_rates(result));
      const std::string keys(cache_type_name(result.test.key_cache)),
          values(cache_type_name(result.test.value_cache));
      out +=
          fmt::format(kRow, model_label(report.model), format_bytes(report.model.weight_bytes),
                      format_count(report.model.parameters), "CPU", result.test.threads,
                      keys == values ? keys : keys + "/" + values, bench_test_name(result.test),
                      fmt::format("{:.2f} \u00b1 {:.2f}", rate.mean, rate.deviation), traffic_cell(result));
    }
    summaries += (reports.size() > 1 ? make_visible(report.model_file) + ": " : "") + summary(report);
  }
  return out + "\n" + summaries;
}

std::string bench_chart(const BenchReport& report, int width) {
  std::vector<Bar> reading, writing, both;
  for (const BenchResult& result : report.results) {
    auto& bars = result.test.generate == 0 ? reading : result.test.prompt == 0 ? writing : both;
    bars.push_back(make_bar(report, result));
  }
  std::string out;
  for (const auto* bars : {&reading, &writing, &both}) {
    if (!bars->empty()) out += "\n" + draw(*bars, width);
  }
  return out;
}

}  // namespace longhand::cli
