#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "engine/api/session_impl.h"
#include "engine/longhand_imatrix.h"
#include "engine/make/imatrix/collector.h"
#include "engine/make/imatrix/text_pieces.h"
#include "engine/make/tensor_copy.h"
#include "engine/state/checksum.h"

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

void refuse_what_is_read(const ModelData& model, const std::string& out, const ImatrixOptions& options) {
  if (!options.model.empty()) refuse_own_file(model.file, options.model, out);
  if (!options.text.empty()) refuse_same_file(options.text, out);
  for (const std::string& path : options.merged) refuse_same_file(path, out);
}

// Names, shapes and the first weights of all tensors: another model of the same family differs in the last.
std::uint32_t sum_of_model(const Gguf& file) {
  constexpr std::size_t kBytes = 256;
  std::uint32_t sum = 0;
  for (const TensorInfo& t : file.tensors()) {
    sum = crc32c(std::as_bytes(std::span(t.dims)), crc32c(t.name, sum));
    sum = crc32c(t.data.first(std::min(kBytes, t.data.size())), sum);
  }
  return sum;
}

// Of nothing that was read yet.
ImportanceMatrix empty_matrix(const ImatrixOptions& options, std::int64_t chunk_size, const Gguf& file,
                              std::span<const Token> tokens) {
  ImportanceMatrix matrix;
  if (!options.dataset.empty()) matrix.datasets.push_back(options.dataset);
  matrix.chunk_size = chunk_size;
  const std::size_t read = tokens.size() - tokens.size() % std::size_t(chunk_size);
  matrix.text_sum = crc32c(std::as_bytes(tokens.first(read)));
  matrix.model_sum = sum_of_model(file);
  return matrix;
}

// A checksum that is not there is that of a file of an older version.
bool may_be_same(std::optional<std::uint32_t> a, std::optional<std::uint32_t> b) {
  return !a || !b || a == b;
}

// What an ended run has seen of this text and of nothing else: the count of its pieces is where to go on.
ImportanceMatrix resumed(const std::string& out, const ImatrixOptions& options,
                         const ImportanceMatrix& begun) {
  if (!options.merged.empty())
    throw Error(Errc::range, "files cannot be added to one that is gone on with: add them once it is done");
  ImportanceMatrix matrix = read_importance(out);
  if (matrix.chunk_size != begun.chunk_size) {
    throw Error(Errc::mismatch, fmt::format("{}: was made with pieces of {} tokens, not of {}", out,
                                            matrix.chunk_size, begun.chunk_size));
  }
  if (matrix.datasets != begun.datasets) {
    throw Error(Errc::mismatch,
                fmt::format("{}: is of the texts '{}', must be of '{}' alone to be gone on with", out,
                            fmt::join(matrix.datasets, "', '"), options.dataset));
  }
  if (!may_be_same(matrix.text_sum, begun.text_sum))
    throw Error(Errc::mismatch, fmt::format("{}: is of another text, or the text has changed", out));
  if (!may_be_same(matrix.model_sum, begun.model_sum))
    throw Error(Errc::mismatch, fmt::format("{}: is of another model", out));
  matrix.text_sum = begun.text_sum;
  matrix.model_sum = begun.model_sum;
  return matrix;
}

ImportanceMatrix start_of(const std::string& out, const ImatrixOptions& options, ImportanceMatrix begun) {
  std::error_code ignored;
  if (!options.resume || !std::filesystem::exists(out, ignored)) return begun;
  return resumed(out, options, begun);
}

ImportanceMatrix sum_of(const std::vector<std::string>& files) {
  ImportanceMatrix matrix;
  for (const std::string& path : files) matrix.add(read_importance(path));
  return matrix;
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
      : session_(session), pieces_(tokens, session.context(), options.chunks), options_(options) {}

  std::int64_t count() const noexcept { return pieces_.count(); }
  void read(std::int64_t chunk) {
    const std::vector<Token> piece = pieces_.at(chunk, model_data(session_.model()).tokenizer.vocab());
    session_.rewind(0);
    session_.on_progress([&](int done, int total) {
      if (options_.progress)
        options_.progress((double(chunk) + double(done) / double(total)) / double(count()));
    });
    if (options_.output) {
      session_.feed(piece, [](int, std::span<const float>) {});
    } else {
      session_.feed(piece);
    }
  }

 private:
  Session& session_;
  TextPieces pieces_;
  const ImatrixOptions& options_;
};

}  // namespace

ImatrixReport make_imatrix(Session& session, std::span<const Token> tokens, const std::string& out,
                           const ImatrixOptions& options) {
  using Clock = std::chrono::steady_clock;
  const ModelData& model = model_data(session.model());
  const auto chunk_size = std::int64_t(session.context());
  ChunkReader reader(session, tokens, options);
  refuse_what_is_read(model, out, options);
  ImportanceMatrix matrix = start_of(out, options, empty_matrix(options, chunk_size, model.file, tokens));
  ImportanceMatrix merged = sum_of(options.merged);
  ImportanceCollector collector(model, options.output, matrix);
  const ImportanceCollector same_model(model, options.output, merged);  // throws where it is not
  const Observing observing(session, collector);
  Clock::time_point saved = Clock::now();
  const std::int64_t before = matrix.chunks;
  while (matrix.chunks < reader.count()) {
    reader.read(matrix.chunks);
    ++matrix.chunks;
    check_sums(matrix);
    if (std::chrono::duration<double>(Clock::now() - saved).count() < options.save_seconds) continue;
    write_importance(matrix, out);
    saved = Clock::now();
  }
  const std::int64_t read = matrix.chunks - before;
  if (!options.merged.empty()) matrix.add(merged);  // its entries are there, empty, also without a file
  check_sums(matrix);
  write_importance(matrix, out);
  session.rewind(0);
  ImatrixReport report = report_of(matrix);
  report.tokens = read * chunk_size;
  return report;
}

ImatrixReport merge_imatrix(const std::vector<std::string>& files, const std::string& out) {
  const ImportanceMatrix matrix = sum_of(files);
  check_sums(matrix);
  write_importance(matrix, out);
  return report_of(matrix);
}

}  // namespace longhand
