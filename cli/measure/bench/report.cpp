#include "cli/measure/bench/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/flags/session_flags.h"
#include "cli/measure/bench/machine.h"
#include "cli/measure/bench/report_parts.h"
#include "cli/terminal/output_filter.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Names and units of llama-bench where it has the field, so that its users' scripts read this too.
Json to_json(const BenchReport& report, const BenchResult& result, const std::string& cpu) {
  const auto samples = token_rates(result);
  const Spread rate = spread(samples), time = spread(result.seconds);
  const bool measured = result.read_bandwidth > 0;
  std::vector<std::int64_t> nanoseconds;
  for (const double seconds : result.seconds) nanoseconds.push_back(std::llround(seconds * 1e9));
  return {{"build_commit", LONGHAND_VERSION},
          {"build_number", 0},
          {"cpu_info", make_visible(cpu)},
          {"gpu_info", ""},
          {"backends", "CPU"},
          {"isa", report.model.isa},
          {"clock_mhz", std::llround(result.clock_mhz)},
          {"model_filename", make_visible(report.model_file)},
          {"model_type", model_label(report.model)},
          {"model_size", report.model.weight_bytes},
          {"model_n_params", report.model.parameters},
          {"n_batch", report.options.batch},
          {"n_ubatch", report.options.batch},
          {"n_threads", result.test.threads},
          {"type_k", cache_type_name(result.test.key_cache)},
          {"type_v", cache_type_name(result.test.value_cache)},
          {"n_gpu_layers", 0},
          {"split_mode", "none"},
          {"no_kv_offload", true},
          {"flash_attn", true},
          {"use_mmap", true},
          {"embeddings", false},
          {"n_prompt", result.test.prompt},
          {"n_gen", result.test.generate},
          {"n_depth", result.test.depth},
          {"n_sequences", result.test.sequences},
          {"test_time", result.time},
          {"avg_ns", std::llround(time.mean * 1e9)},
          {"stddev_ns", std::llround(time.deviation * 1e9)},
          {"avg_ts", rate.mean},
          {"stddev_ts", rate.deviation},
          {"samples_ns", nanoseconds},
          {"samples_ts", samples},
          {"load_ns", std::llround(report.load_seconds * 1e9)},
          {"peak_memory", report.peak_memory},
          {"bytes_per_token", result.bytes_per_token},
          {"read_bandwidth", measured ? Json(std::llround(result.read_bandwidth)) : Json()},
          {"bandwidth_share", measured ? Json(bandwidth_share(result)) : Json()}};
}

template <class Visit>
void each_row(std::span<const BenchReport> reports, const Visit& visit) {
  const std::string cpu = cpu_name();
  for (const BenchReport& report : reports) {
    for (const BenchResult& result : report.results) visit(to_json(report, result, cpu));
  }
}

// JSON's quotes serve as those of CSV once a quote inside is doubled instead of escaped.
std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  std::string cell = value.dump();
  for (std::size_t at = 0; (at = cell.find("\\\"", at)) != std::string::npos; at += 2) cell[at] = '"';
  return cell;
}

}  // namespace

std::string bench_test_name(const BenchTest& test) {
  std::string name = test.prompt > 0 ? fmt::format("pp{}", test.prompt) : "";
  if (test.generate > 0) name += fmt::format("{}tg{}", name.empty() ? "" : "+", test.generate);
  if (test.sequences > 1) name += fmt::format(" x{}", test.sequences);
  return test.depth > 0 ? fmt::format("{} @ d{}", name, test.depth) : name;
}

Spread spread(const std::vector<double>& samples) {
  Spread out;
  const auto n = double(samples.size());
  for (const double sample : samples) out.mean += sample / n;
  double squares = 0;
  for (const double sample : samples) squares += (sample - out.mean) * (sample - out.mean);
  if (samples.size() > 1) out.deviation = std::sqrt(squares / (n - 1));
  return out;
}

std::vector<double> token_rates(const BenchResult& result) {
  std::vector<double> out;
  for (const double seconds : result.seconds)
    out.push_back(result.test.sequences * (result.test.prompt + result.test.generate) / seconds);
  return out;
}

double bandwidth_share(const BenchResult& result) {
  if (result.read_bandwidth <= 0) return 0;
  return spread(token_rates(result)).mean * double(result.bytes_per_token) / result.read_bandwidth;
}

std::string bench_json(std::span<const BenchReport> reports) {
  Json rows = Json::array();
  each_row(reports, [&](Json row) { rows.push_back(std::move(row)); });
  return rows.dump(2) + "\n";
}

std::string bench_json_lines(std::span<const BenchReport> reports) {
  std::string out;
  each_row(reports, [&](const Json& row) { out += row.dump() + "\n"; });
  return out;
}

std::string bench_csv(std::span<const BenchReport> reports) {
  std::string out;
  each_row(reports, [&](const Json& fields) {
    std::string header, row;
    for (const auto& [name, value] : fields.items()) {
      if (value.is_array()) continue;
      header += (header.empty() ? "" : ",") + name;
      row += (row.empty() ? "" : ",") + csv_cell(value);
    }
    if (out.empty()) out += header + "\n";
    out += row + "\n";
  });
  return out;
}

}  // namespace longhand::cli
