#include "cli/measure/thread_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "cli/measure/bench/machine.h"
#include "cli/measure/bench/memory_file.h"
#include "cli/measure/bench/synthetic_model.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/user_dirs.h"
#include "engine/longhand.h"
#include "engine/state/atomic_file.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Counts belong to a processor and to the cores this process may use of it.
std::string machine_key() { return fmt::format("{}, {} cores", cpu_name(), usable_cores()); }

// nothing where the file does not say it, or says nonsense.
std::optional<ThreadCounts> remembered(const std::string& path) {
  std::ifstream file(path);
  const Json all = Json::parse(file, nullptr, false);
  if (!all.is_object() || !all.contains(machine_key())) return std::nullopt;
  const Json& entry = all[machine_key()];
  if (!entry.is_object()) return std::nullopt;
  const auto count = [&](const char* name) {
    const auto found = entry.find(name);
    const bool fits =
        found != entry.end() && found->is_number_integer() && *found >= 1 && *found <= kMaxThreads;
    return fits ? found->get<int>() : 0;
  };
  const ThreadCounts counts{count("decode"), count("prefill")};
  if (counts.decode == 0 || counts.prefill == 0) return std::nullopt;
  return counts;
}

void remember(const std::string& path, const ThreadCounts& counts) {
  make_private_folder(std::filesystem::path(path).parent_path().string());
  std::ifstream file(path);
  Json all = Json::parse(file, nullptr, false);
  if (!all.is_object()) all = Json::object();
  all[machine_key()] = {{"decode", counts.decode}, {"prefill", counts.prefill}};
  try {
    replace_file(path, all.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
  } catch (const Error& error) {
    print_note(fmt::format("the best number of threads is not remembered: {}", error.what()));
  }
}

// One thread, two, three, four, then in wider steps, each core, and twice that where cores run two threads.
std::vector<int> candidates() {
  const int cores = usable_cores(), most = std::max(cores, int(std::thread::hardware_concurrency()));
  std::vector<int> counts;
  for (int n = 1; n < cores; n += n < 4 ? 1 : std::max(1, n / 4)) counts.push_back(n);
  counts.push_back(cores);
  if (most > cores) counts.push_back(std::min(most, 2 * cores));
  return counts;
}

void stop_if_asked() {
  if (signal_waiting()) throw Error(Errc::cancelled, "timing threads was cancelled");
}

// Two layers of a model of a billion weights: more than any cache holds, and little to wait for.
Model trial_model() {
  ModelShape shape = *find_shape("llama-1b");
  shape.layers = 2;
  shape.vocab = 4096;
  const SyntheticModel model{&shape, find_mix("Q4_K_M")};
  const MemoryFile file("threads");
  OutputFile out(file.path());
  write_synthetic(model, out, [](float) { return !signal_waiting(); });
  out.finish();
  return Model::load(file.path());
}

// The least seconds of some tries, since other programs can only make it slower.
double fastest(Session& session, int tokens) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLong{300};
  const std::vector<Token> text(std::size_t(tokens), 300);
  double least = 1e9;
  const auto begin = Clock::now();
  for (int i = 0; i < 3 || Clock::now() - begin < kLong; ++i) {
    stop_if_asked();
    session.rewind(1);
    const auto start = Clock::now();
    session.feed(text);
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return least;
}

ThreadCounts measure() {
  print_note("finding out how many threads pay on this machine (once)");
  const Model model = trial_model();
  constexpr Token kFirst = 300;
  constexpr int kPrompt = 128;
  constexpr double kWorthIt = 0.98;  // more threads than needed take cores from others
  ThreadCounts best{1, 1};
  double decode = 1e9, prefill = 1e9;
  for (const int n : candidates()) {
    SessionOptions options;
    options.threads = n;
    options.context = 2 * kPrompt;
    Session session(model, options);
    session.feed({&kFirst, 1});
    if (const double t = fastest(session, 1); t < decode * kWorthIt) best.decode = n, decode = t;
    if (const double t = fastest(session, kPrompt); t < prefill * kWorthIt) best.prefill = n, prefill = t;
  }
  return best;
}

}  // namespace

std::string thread_counts_path() {
  const std::string folder = state_folder();
  return folder.empty() ? "" : folder + "/threads.json";
}

ThreadCounts best_thread_counts(const std::string& path) {
  if (!path.empty()) {
    if (const auto known = remembered(path)) return *known;
  }
  const ThreadCounts counts = measure();
  print_note(fmt::format("{} for writing, {} for reading", counts.decode, counts.prefill));
  if (!path.empty()) remember(path, counts);
  return counts;
}

void use_best_threads(SessionOptions& options) {
  const ThreadCounts best = best_thread_counts(thread_counts_path());
  options.threads = best.decode;
  if (options.prefill_threads == 0) options.prefill_threads = best.prefill;
}

}  // namespace longhand::cli
