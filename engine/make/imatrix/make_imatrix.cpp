#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "engine/api/session_impl.h"
#include "engine/longhand_imatrix.h"
#include "engine/make/imatrix/collector.h"

namespace longhand {
namespace {

/// While it lives, an observer sees what a session computes.
class Observing {
 public:
  Observing(Session& session, MatmulObserver& observer) : session_(session) {
    Access::impl(session)->runner->observe(&observer);
  }
  ~Observing() {
    Access::impl(session_)->runner->observe(nullptr);
    session_.on_progress({});
  }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

 private:
  Session& session_;
};

/// What is added to, and how many pieces of the text it has seen.
struct Start {
  ImportanceMatrix matrix;
  std::int64_t chunks = 0;
};

Start start_of(const std::string& out, const ImatrixOptions& options, std::int64_t chunk_size) {
  Start start;
  ImportanceMatrix& matrix = start.matrix;
  std::error_code ignored;
  if (options.resume && std::filesystem::exists(out, ignored)) {
    matrix = read_importance(out);
    start.chunks = matrix.chunks;
    if (matrix.chunk_size != chunk_size) {
      throw Error(Errc::mismatch, fmt::format("{}: was made with pieces of {} tokens, not of {}", out,
                                              matrix.chunk_size, chunk_size));
    }
    if (!options.merged.empty())
      throw Error(Errc::range, "files cannot be added to one that is gone on with: add them once it is done");
  }
  for (const std::string& path : options.merged) matrix.add(read_importance(path));
  if (!options.dataset.empty() &&
      std::ranges::find(matrix.datasets, options.dataset) == matrix.datasets.end())
    matrix.datasets.push_back(options.dataset);
  matrix.chunk_size = chunk_size;
  return start;
}

void check_sums(const ImportanceMatrix& matrix) {
  for (const auto& [name, entry] : matrix.entries) {
    for (const float sum : entry.sums) {
      if (!std::isfinite(sum))
        throw Error(Errc::nonfinite, fmt::format("inputs of tensor '{}' are not finite: {}", name, sum));
    }
  }
}

ImatrixReport report_of(const ImportanceMatrix& matrix) {
  ImatrixReport report;
  report.chunks = matrix.chunks;
  report.entries = std::int64_t(matrix.entries.size());
  for (const auto& [name, entry] : matrix.entries) {
    if (std::ranges::find(entry.counts, 0.0f) != entry.counts.end()) report.partial.push_back(name);
  }
  return report;
}

/// Reads the pieces of a text.
class ChunkReader {
 public:
  ChunkReader(Session& session, std::span<const Token> tokens, const ImatrixOptions& options)
      : session_(session), tokens_(tokens), options_(options) {
    const auto size = std::int64_t(session.context());
    count_ = std::int64_t(tokens.size()) / size;
    if (count_ == 0) {
      throw Error(Errc::range, fmt::format("the text has {} tokens, must have at least {} for one piece",
                                           tokens.size(), size));
    }
    if (options.chunks > 0) count_ = std::min(count_, std::int64_t{options.chunks});
  }

  std::int64_t count() const noexcept { return count_; }
  void read(std::int64_t chunk) {
    const auto size = std::size_t(session_.context());
    const auto part = tokens_.subspan(std::size_t(chunk) * size, size);
    std::vector<Token> piece(part.begin(), part.end());
    const Vocab& vocab = model_data(session_.model()).tokenizer.vocab();
    if (vocab.add_bos && vocab.bos != kNoToken) piece[0] = vocab.bos;
    session_.rewind(0);
    session_.on_progress([&](int done, int total) {
      if (options_.progress)
        options_.progress((double(chunk) + double(done) / double(total)) / double(count_));
    });
    if (options_.output) {
      session_.feed(piece, [](int, std::span<const float>) {});
    } else {
      session_.feed(piece);
    }
  }

 private:
  Session& session_;
  std::span<const Token> tokens_;
  const ImatrixOptions& options_;
  std::int64_t count_;
};

}  // namespace

ImatrixReport make_imatrix(Session& session, std::span<const Token> tokens, const std::string& out,
                           const ImatrixOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto chunk_size = std::int64_t(session.context());
  ChunkReader reader(session, tokens, options);
  Start start = start_of(out, options, chunk_size);
  ImportanceMatrix& matrix = start.matrix;
  ImportanceCollector collector(model_data(session.model()), options.output, matrix);
  const Observing observing(session, collector);
  Clock::time_point saved = Clock::now();
  std::int64_t read = 0;
  for (std::int64_t chunk = start.chunks; chunk < reader.count(); ++chunk, ++read) {
    reader.read(chunk);
    ++matrix.chunks;
    check_sums(matrix);
    if (std::chrono::duration<double>(Clock::now() - saved).count() < options.save_seconds) continue;
    write_importance(matrix, out);
    saved = Clock::now();
  }
  write_importance(matrix, out);
  session.rewind(0);
  ImatrixReport report = report_of(matrix);
  report.tokens = read * chunk_size;
  return report;
}

ImatrixReport merge_imatrix(const std::vector<std::string>& files, const std::string& out) {
  ImportanceMatrix matrix;
  for (const std::string& path : files) matrix.add(read_importance(path));
  write_importance(matrix, out);
  return report_of(matrix);
}

}  // namespace longhand
