#include "engine/make/convert/tensor_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "engine/make/failure.h"
#include "ops/encode/encode.h"

namespace longhand {
namespace {

constexpr std::uint64_t kChunkNumbers = std::uint64_t{4} << 20;  // computed at a time
constexpr std::uint64_t kHeldBytes = std::uint64_t{256}
                                     << 20;  // written before pages that were read are given back

class Writer {
 public:
  Writer(const TensorPlan& plan, const SafetensorsFolder& folder, const WriteOptions& options,
         GgufOutput& out)
      : folder_(folder), options_(options), out_(out) {
    for (const OutputTensor& tensor : plan.tensors) total_ += tensor.bytes();
  }

  /// What is there already. Throws Error(cancelled).
  void pass(const OutputTensor& tensor) {
    done_ += tensor.bytes();
    tell();
  }

  void write(const OutputTensor& tensor) {
    const std::uint64_t rows = tensor.rows.rows();
    const std::uint64_t step = std::max<std::uint64_t>(1, kChunkNumbers / tensor.rows.cols());
    for (std::uint64_t row = 0; row < rows; row += step) {
      const std::uint64_t count = std::min(step, rows - row);
      bytes_.resize(std::size_t(count * tensor.row_bytes()));
      make_rows(tensor, row, count);
      out_.write(bytes_);
      done_ += bytes_.size();
      held_ += bytes_.size();
      if (held_ >= kHeldBytes) release(tensor);
      tell();
    }
    release(tensor);
  }

 private:
  void tell() const {
    if (options_.progress && !options_.progress(float(double(done_) / double(total_))))
      throw Error(Errc::cancelled, "stopped");
  }

  void release(const OutputTensor& tensor) {
    for (const StoredTensor* stored : tensor.rows.from) folder_.release(*stored);
    held_ = 0;
  }

  void make_rows(const OutputTensor& tensor, std::uint64_t first, std::uint64_t count) {
    const std::size_t cols = std::size_t(tensor.rows.cols()), row_bytes = std::size_t(tensor.row_bytes());
    if (!tensor.rows.read_blocks) numbers_.resize(std::size_t(count) * cols);
    // NaN and infinity become ordinary numbers in blocks, where nobody would find them again.
    const bool check = options_.check || format_info(tensor.format).block_elements > 1;
    std::atomic<bool> finite = true;
    Failure failure;
    const auto rows = std::int64_t(count);
    const auto make = [&](std::int64_t i) {
      const std::uint64_t row = first + std::uint64_t(i);
      std::byte* to = bytes_.data() + std::size_t(i) * row_bytes;
      if (tensor.rows.read_blocks) {
        if (!tensor.rows.read_blocks(row, to) && options_.check) finite = false;
        return;
      }
      float* numbers = numbers_.data() + std::size_t(i) * cols;
      tensor.rows.read(row, 0, cols, numbers);
      if (check && !std::all_of(numbers, numbers + cols, [](float x) { return std::isfinite(x); }))
        finite = false;
      encode_rows(tensor.format, numbers, 1, std::int64_t(cols), {}, to);
    };
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < rows; ++i) failure.guard([&] { make(i); });
    failure.rethrow();
    if (!finite)
      throw Error(Errc::nonfinite, fmt::format("{}: a weight is NaN or infinite, between rows {} and {}",
                                               tensor.name, first, first + count));
  }

  const SafetensorsFolder& folder_;
  const WriteOptions& options_;
  GgufOutput& out_;
  std::uint64_t done_ = 0, held_ = 0, total_ = 0;
  std::vector<float> numbers_;
  std::vector<std::byte> bytes_;
};

}  // namespace

void write_tensors(TensorPlan& plan, const SafetensorsFolder& folder, const WriteOptions& options,
                   GgufOutput& out) {
  Writer writer(plan, folder, options, out);
  const std::size_t finished = out.finished();
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    OutputTensor& tensor = plan.tensors[i];
    if (i < finished) {
      writer.pass(tensor);
    } else {
      writer.write(tensor);
    }
    tensor.rows.read = {};  // and what it has kept in memory
    tensor.rows.read_blocks = {};
  }
}

}  // namespace longhand
