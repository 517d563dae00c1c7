#include "cli/bench/report.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/output_filter.h"
#include "cli/units.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCacheTypeNames[] = {"f32", "f16", "q8_0"};  // indexed by CacheType

struct Spread {
  double mean = 0, deviation = 0;  // of the sample
};

Spread spread(const std::vector<double>& samples) {
  Spread out;
  const auto n = static_cast<double>(samples.size());
  for (const double sample : samples) out.mean += sample / n;
  double squares = 0;
  for (const double sample : samples) squares += (sample - out.mean) * (sample - out.mean);
  if (samples.size() > 1) out.deviation = std::sqrt(squares / (n - 1));
  return out;
}

std::vector<double> rates(const BenchResult& result) {
  std::vector<double> out;
  for (const double seconds : result.seconds)
    out.push_back((result.test.prompt + result.test.generate) / seconds);
  return out;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

std::string model_label(const ModelInfo& model) {
  return make_visible(
      fmt::format("{} {} {}", model.architecture, format_count(model.parameters), model.type));
}

Json to_json(const BenchReport& report, const BenchResult& result, const std::string& cpu) {
  const auto samples = rates(result);
  const Spread rate = spread(samples), time = spread(result.seconds);
  std::vector<std::int64_t> nanoseconds;
  for (const double seconds : result.seconds) nanoseconds.push_back(std::llround(seconds * 1e9));
  return {{"build", LONGHAND_VERSION},
          {"cpu_info", make_visible(cpu)},
          {"backends", "CPU"},
          {"isa", report.model.isa},
          {"model_filename", make_visible(report.model_file)},
          {"model_type", model_label(report.model)},
          {"model_size", report.model.weight_bytes},
          {"model_n_params", report.model.parameters},
          {"n_batch", report.options.batch},
          {"n_threads", result.test.threads},
          {"type_k", kCacheTypeNames[static_cast<std::size_t>(report.options.key_cache)]},
          {"type_v", kCacheTypeNames[static_cast<std::size_t>(report.options.value_cache)]},
          {"n_prompt", result.test.prompt},
          {"n_gen", result.test.generate},
          {"n_depth", result.test.depth},
          {"avg_ns", std::llround(time.mean * 1e9)},
          {"stddev_ns", std::llround(time.deviation * 1e9)},
          {"avg_ts", rate.mean},
          {"stddev_ts", rate.deviation},
          {"samples_ns", nanoseconds},
          {"samples_ts", samples}};
}

}  // namespace

std::string bench_test_name(const BenchTest& test) {
  const std::string name =
      test.prompt > 0 ? fmt::format("pp{}", test.prompt) : fmt::format("tg{}", test.generate);
  return test.depth > 0 ? fmt::format("{} @ d{}", name, test.depth) : name;
}

std::string bench_markdown(const BenchReport& report) {
  constexpr const char* kRow = "| {:<30} | {:>10} | {:>10} | {:<10} | {:>7} | {:>15} | {:>20} |\n";
  std::string out = fmt::format(kRow, "model", "size", "params", "backend", "threads", "test", "t/s");
  out += fmt::format("| {:-<30} | {:->9}: | {:->9}: | {:-<10} | {:->6}: | {:->14}: | {:->19}: |\n", "", "",
                     "", "", "", "", "");
  for (const BenchResult& result : report.results) {
    const Spread rate = spread(rates(result));
    out += fmt::format(kRow, model_label(report.model), format_bytes(report.model.weight_bytes),
                       format_count(report.model.parameters), "CPU", result.test.threads,
                       bench_test_name(result.test),
                       fmt::format("{:.2f} \u00b1 {:.2f}", rate.mean, rate.deviation));
  }
  return out;
}

std::string bench_json(const BenchReport& report) {
  Json rows = Json::array();
  const std::string cpu = cpu_name();
  for (const BenchResult& result : report.results) rows.push_back(to_json(report, result, cpu));
  return rows.dump(2) + "\n";
}

std::string bench_json_lines(const BenchReport& report) {
  std::string out;
  const std::string cpu = cpu_name();
  for (const BenchResult& result : report.results) out += to_json(report, result, cpu).dump() + "\n";
  return out;
}

std::string bench_csv(const BenchReport& report) {
  std::string out;
  const std::string cpu = cpu_name();
  for (const BenchResult& result : report.results) {
    std::string header, row;
    const Json fields = to_json(report, result, cpu);
    for (const auto& [name, value] : fields.items()) {
      if (value.is_array()) continue;
      header += (header.empty() ? "" : ",") + name;
      // JSON's quotes serve as those of CSV once a quote inside is doubled instead of escaped.
      std::string cell = value.dump();
      for (std::size_t at = 0; (at = cell.find("\\\"", at)) != std::string::npos; at += 2) cell[at] = '"';
      row += (row.empty() ? "" : ",") + cell;
    }
    if (out.empty()) out += header + "\n";
    out += row + "\n";
  }
  return out;
}

}  // namespace longhand::cli
