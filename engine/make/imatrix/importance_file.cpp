// Files of importance matrices.
//
// GGUF: of each tensor NAME a tensor NAME.in_sum2 (columns, matrices) and a tensor NAME.counts (1, matrices),
// both F32, and the keys imatrix.*; what errors cost in longhand.sensitivity.tensors, an array of names, and
// longhand.sensitivity.losses, an array of F32, and longhand.sensitivity.chunks; what tells whether a run can
// go on with it in longhand.imatrix.text and longhand.imatrix.model, checksums. The older form, little
// endian: int32 entries; of each int32 length, name, int32 calls, int32 values, floats (mean squared inputs
// times the calls); then, in most files, int32 calls, int32 length, the name of the text.

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "engine/make/gguf_output.h"
#include "engine/make/imatrix/importance.h"
#include "loaders/gguf/gguf_values.h"
#include "loaders/gguf/mapped_file.h"
#include "ops/error.h"
#include "ops/format.h"

namespace longhand {
namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";
constexpr std::string_view kSensitive = "longhand.sensitivity.tensors",
                           kLosses = "longhand.sensitivity.losses",
                           kSensitiveChunks = "longhand.sensitivity.chunks",
                           kTextSum = "longhand.imatrix.text", kModelSum = "longhand.imatrix.model";

[[noreturn]] void refuse(Errc code, const std::string& file, std::string_view entry, std::string_view why) {
  throw Error(code, fmt::format("{}: importance of '{}': {}", file, entry, why));
}

std::vector<float> floats_of(const TensorInfo& t, const std::string& file) {
  if (t.type_id != F32::info.gguf) refuse(Errc::type, file, t.name, "is not of type F32");
  std::vector<float> values(t.data.size() / sizeof(float));
  std::memcpy(values.data(), t.data.data(), values.size() * sizeof(float));
  return values;
}

void check(const std::string& file, const std::string& name, const ImportanceEntry& entry) {
  if (entry.sums.empty() || entry.counts.empty())
    refuse(Errc::mismatch, file, name, "has sums without counts, or counts without sums");
  if (entry.sums.size() % entry.counts.size() != 0) {
    refuse(Errc::shape, file, name,
           fmt::format("has {} sums for {} counts, must have as many for each", entry.sums.size(),
                       entry.counts.size()));
  }
  for (const auto* values : {&entry.sums, &entry.counts}) {
    for (const float value : *values) {
      if (!std::isfinite(value)) refuse(Errc::nonfinite, file, name, fmt::format("holds {}", value));
      if (value < 0) refuse(Errc::range, file, name, fmt::format("holds {}, must be at least 0", value));
    }
  }
}

std::int64_t integer(const Gguf& file, std::string_view key) {
  const MetaEntry* entry = file.find(key);
  if (entry == nullptr) return 0;
  const std::vector<AnyValue> values = any_values(*entry);
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  if (values.size() == 1) {
    if (const auto* number = std::get_if<std::uint64_t>(values.data());
        number != nullptr && *number <= std::uint64_t{kMost})
      return std::int64_t(*number);
    if (const auto* number = std::get_if<std::int64_t>(values.data());
        number != nullptr && *number >= 0 && *number <= kMost)
      return *number;
  }
  throw Error(Errc::range,
              fmt::format("{}: key '{}': must be one whole number from 0 to {}", file.name(), key, kMost));
}

std::optional<std::uint32_t> optional_number(const Gguf& file, std::string_view key) {
  const MetaEntry* entry = file.find(key);
  if (entry == nullptr) return {};
  const std::vector<AnyValue> values = any_values(*entry);
  const auto* number = values.size() == 1 ? std::get_if<std::uint64_t>(values.data()) : nullptr;
  if (number == nullptr || *number > 0xFFFFFFFF)
    throw Error(Errc::range, fmt::format("{}: key '{}': must be one number of 32 bits", file.name(), key));
  return std::uint32_t(*number);
}

// Throws Error: mismatch, type, range, nonfinite.
std::map<std::string, double> sensitivities_of(const Gguf& file) {
  const MetaEntry *names = file.find(kSensitive), *losses = file.find(kLosses);
  if (names == nullptr && losses == nullptr) return {};
  if (names == nullptr || losses == nullptr || names->count != losses->count) {
    throw Error(Errc::mismatch, fmt::format("{}: keys '{}' and '{}' must be arrays of one length",
                                            file.name(), kSensitive, kLosses));
  }
  const std::vector<AnyValue> tensors = any_values(*names), values = any_values(*losses);
  std::map<std::string, double> found;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto* name = std::get_if<std::string_view>(&tensors[i]);
    const auto* loss = std::get_if<double>(&values[i]);
    if (name == nullptr || loss == nullptr) {
      throw Error(Errc::type, fmt::format("{}: keys '{}' and '{}' must be arrays of strings and of fractions",
                                          file.name(), kSensitive, kLosses));
    }
    if (!std::isfinite(*loss))
      refuse(Errc::nonfinite, file.name(), *name, fmt::format("sensitivity is {}", *loss));
    if (*loss < 0)
      refuse(Errc::range, file.name(), *name, fmt::format("sensitivity is {}, must be at least 0", *loss));
    found.emplace(*name, *loss);
  }
  return found;
}

ImportanceMatrix read_gguf(const std::string& path) {
  const Gguf file = Gguf::open(path);
  ImportanceMatrix matrix;
  for (const TensorInfo& t : file.tensors()) {
    const bool sums = t.name.ends_with(kSums);
    if (!sums && !t.name.ends_with(kCounts)) continue;
    const std::string name(t.name.substr(0, t.name.size() - (sums ? kSums : kCounts).size()));
    ImportanceEntry& entry = matrix.entries[name];
    (sums ? entry.sums : entry.counts) = floats_of(t, file.name());
  }
  if (matrix.entries.empty()) {
    throw Error(Errc::missing,
                fmt::format("{}: is no importance matrix: it has no tensor NAME{}", file.name(), kSums));
  }
  if (const MetaEntry* datasets = file.find("imatrix.datasets")) {
    for (const AnyValue& value : any_values(*datasets)) {
      if (const auto* text = std::get_if<std::string_view>(&value)) matrix.datasets.emplace_back(*text);
    }
  }
  matrix.chunks = integer(file, "imatrix.chunk_count");
  matrix.chunk_size = integer(file, "imatrix.chunk_size");
  matrix.text_sum = optional_number(file, kTextSum);
  matrix.model_sum = optional_number(file, kModelSum);
  matrix.sensitivities = sensitivities_of(file);
  matrix.sensitivity_chunks = optional_number(file, kSensitiveChunks);
  return matrix;
}

/// Reads the older form; every length is checked before it is believed.
class OldReader {
 public:
  OldReader(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  ImportanceMatrix read() {
    ImportanceMatrix matrix;
    const std::size_t entries = count("entries");
    for (std::size_t i = 0; i < entries; ++i) {
      std::string name = text("length of a name");
      ImportanceEntry entry;
      entry.counts = {float(count("calls"))};
      const std::size_t sums = count("values");
      const std::span<const std::byte> values = take(sums * sizeof(float), "values");
      entry.sums.resize(sums);
      std::memcpy(entry.sums.data(), values.data(), values.size());
      if (entry.counts[0] == 0) entry.counts[0] = 1;  // of files that kept no calls
      matrix.entries.insert_or_assign(std::move(name), std::move(entry));
    }
    if (bytes_.empty()) return matrix;
    matrix.chunks = std::int64_t(count("calls"));
    if (!bytes_.empty()) matrix.datasets.push_back(text("length of the text's name"));
    return matrix;
  }

 private:
  std::span<const std::byte> take(std::size_t size, std::string_view what) {
    if (size > bytes_.size()) {
      throw Error(Errc::truncated,
                  fmt::format("{}: {} need {} bytes, {} are left: this is no importance matrix,"
                              " or it was cut short",
                              file_, what, size, bytes_.size()));
    }
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::size_t count(std::string_view what) {
    std::int32_t value = 0;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    if (value < 0)
      throw Error(Errc::range, fmt::format("{}: {} is {}, must be at least 0", file_, what, value));
    return std::size_t(value);
  }
  std::string text(std::string_view what) {
    const auto bytes = take(count(what), what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::span<const std::byte> bytes_;
  std::string file_;
};

bool is_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
}

void add_tensor(GgufHead& head, const std::string& name, std::size_t cols, std::size_t rows) {
  head.tensors.push_back({name, {cols, rows}, F32::info.gguf, cols * rows * sizeof(float)});
}

void add_number(GgufHead& head, std::string_view key, std::optional<std::uint32_t> value) {
  if (value) head.entries.push_back(gguf_entry(std::string(key), *value));
}

void add_sensitivities(const ImportanceMatrix& matrix, GgufHead& head) {
  if (matrix.sensitivities.empty()) return;
  std::vector<std::string> names;
  std::vector<float> losses;
  for (const auto& [name, loss] : matrix.sensitivities) {
    names.push_back(name);
    losses.push_back(float(loss));
  }
  head.entries.push_back(gguf_array(std::string(kSensitive), names));
  head.entries.push_back(gguf_array(std::string(kLosses), losses));
  add_number(head, kSensitiveChunks, matrix.sensitivity_chunks);
}

}  // namespace

ImportanceMatrix read_importance(const std::string& path) {
  const MappedFile file(path);
  const std::string name = std::filesystem::path(path).filename().string();
  ImportanceMatrix matrix = is_gguf(file.bytes()) ? read_gguf(path) : OldReader(file.bytes(), name).read();
  if (matrix.entries.empty()) throw Error(Errc::missing, fmt::format("{}: has no entries", name));
  for (const auto& [tensor, entry] : matrix.entries) check(name, tensor, entry);
  return matrix;
}

void write_importance(const ImportanceMatrix& matrix, const std::string& path, FileCalls& calls) {
  GgufHead head;
  head.entries = {gguf_entry("general.type", std::string("imatrix")),
                  gguf_array("imatrix.datasets", matrix.datasets),
                  gguf_entry("imatrix.chunk_count", std::uint32_t(matrix.chunks)),
                  gguf_entry("imatrix.chunk_size", std::uint32_t(matrix.chunk_size))};
  add_number(head, kTextSum, matrix.text_sum);
  add_number(head, kModelSum, matrix.model_sum);
  add_sensitivities(matrix, head);
  for (const auto& [name, entry] : matrix.entries) {
    const std::size_t matrices = entry.counts.size();
    add_tensor(head, name + std::string(kSums), entry.sums.size() / matrices, matrices);
    add_tensor(head, name + std::string(kCounts), 1, matrices);
  }
  GgufOutput out(path, std::move(head), calls);
  for (const auto& [name, entry] : matrix.entries) {
    out.write(std::as_bytes(std::span(entry.sums)));
    out.write(std::as_bytes(std::span(entry.counts)));
  }
  out.commit();
}

}  // namespace longhand
