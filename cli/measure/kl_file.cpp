#include "cli/measure/kl_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr char kMagic[8] = {'L', 'H', 'L', 'O', 'G', 'P', 'R', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr double kRange = 25;  // nats; e^-25 = 1e-11 adds nothing to a divergence
constexpr double kLevels = 65535;

struct FileHeader {
  char magic[8];
  std::uint32_t version, vocab, context, first, chunks, zero;
};
static_assert(sizeof(FileHeader) == 32);

// As many as the file's numbers may claim; together they keep every size below 2^64.
constexpr std::uint32_t kMaxVocab = 1 << 21, kMaxContext = 1 << 30, kMaxChunks = 1 << 30;

struct RowHeader {
  float top, step;
};

std::uint64_t row_bytes(std::uint32_t vocab) {
  return sizeof(RowHeader) + sizeof(std::uint16_t) * (std::uint64_t{vocab} + vocab % 2);
}

double log_sum_exp(std::span<const float> logits, double top) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - top);
  return top + std::log(sum);
}

}  // namespace

KlWriter::KlWriter(const std::string& path, const KlHeader& h, std::span<const std::int32_t> tokens)
    : file_(path), row_(h.vocab + h.vocab % 2) {
  FileHeader header{{}, kVersion, h.vocab, h.context, h.first, h.chunks, 0};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  file_.write(std::as_bytes(std::span(&header, 1)));
  file_.write(std::as_bytes(tokens));
}

void KlWriter::add(std::span<const float> logits) {
  const auto [low, high] = std::minmax_element(logits.begin(), logits.end());
  const double norm = log_sum_exp(logits, *high);
  const double range = std::min(kRange, double{*high} - double{*low});
  const RowHeader header{float(*high - norm), float(range / kLevels)};
  const double inverse = range > 0 ? kLevels / range : 0;
  std::transform(logits.begin(), logits.end(), row_.begin(), [&, top = double{*high}](float logit) {
    return std::uint16_t(std::min(kLevels, std::round((top - double{logit}) * inverse)));
  });
  file_.write(std::as_bytes(std::span(&header, 1)));
  file_.write(std::as_bytes(std::span(row_)));
}

KlReader::KlReader(const std::string& path) : name_(path), file_(path) {
  const auto bytes = file_.bytes();
  const auto refuse = [&](Errc code, const std::string& why) {
    throw Error(code, fmt::format("{}: {}", path, why));
  };
  FileHeader h{};
  if (bytes.size() < sizeof h || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    refuse(Errc::magic, "not a file of --kl-save");
  std::memcpy(&h, bytes.data(), sizeof h);
  if (h.version != kVersion)
    refuse(Errc::version, fmt::format("version is {}, must be {}", h.version, kVersion));
  const auto check = [&](const char* field, std::uint32_t value, std::uint32_t least, std::uint32_t most) {
    if (value < least || value > most)
      refuse(Errc::range, fmt::format("{} is {}, must be {}..{}", field, value, least, most));
  };
  check("vocab", h.vocab, 1, kMaxVocab);
  check("context", h.context, 2, kMaxContext);
  check("first", h.first, 0, h.context - 2);
  check("chunks", h.chunks, 1, kMaxChunks);
  header_ = {h.vocab, h.context, h.first, h.chunks};

  // Compared by division: the product of a lying header may not fit into 64 bits.
  const std::uint64_t left = bytes.size() - sizeof h;
  const std::uint64_t token_bytes = header_.tokens() * sizeof(std::int32_t);
  const bool fits = token_bytes <= left && (left - token_bytes) % row_bytes(h.vocab) == 0 &&
                    (left - token_bytes) / row_bytes(h.vocab) == header_.rows();
  if (!fits) {
    refuse(Errc::truncated, fmt::format("{} bytes do not hold {} chunks of {} tokens, vocabulary {}",
                                        bytes.size(), h.chunks, h.context, h.vocab));
  }
  tokens_.resize(header_.tokens());
  std::memcpy(tokens_.data(), bytes.data() + sizeof h, token_bytes);
  rows_at_ = sizeof h + token_bytes;
  log_p_.resize(h.vocab);
}

std::span<const double> KlReader::row(std::uint64_t index) {
  const std::byte* at = file_.bytes().data() + rows_at_ + index * row_bytes(header_.vocab);
  RowHeader h;
  std::memcpy(&h, at, sizeof h);
  const bool sane = std::isfinite(h.top) && h.top <= 1 && h.step >= 0 && h.step <= 1;
  if (!sane) throw Error(Errc::corrupt, fmt::format("{}: row {} has no usable scale", name_, index));
  at += sizeof h;
  double sum = 0;
  for (std::size_t i = 0; i < log_p_.size(); ++i) {
    std::uint16_t q;
    std::memcpy(&q, at + i * sizeof q, sizeof q);
    log_p_[i] = double{h.top} - double{h.step} * q;
    sum += std::exp(log_p_[i]);
  }
  const double norm = std::log(sum);
  if (!std::isfinite(norm))
    throw Error(Errc::corrupt, fmt::format("{}: row {} is no distribution", name_, index));
  for (double& value : log_p_) value -= norm;
  return log_p_;
}

}  // namespace longhand::cli
