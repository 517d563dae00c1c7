#include "loaders/model/tensors/lora_file.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <unordered_map>

#include "loaders/gguf/gguf_reader.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kA = ".lora_a", kB = ".lora_b";
constexpr std::uint64_t kMostRank = 1 << 15;

void check_kind(const Gguf& file, std::string_view architecture) {
  const auto refuse = [&](Errc code, const KeySpec& key, std::string_view rule) {
    const auto found = file.get_string(key);
    throw Error(code, fmt::format("{}: key '{}' {}, {}", file.name(), key.name,
                                  found ? fmt::format("is {}", quote(*found)) : "is missing", rule));
  };
  if (file.get_string(key::general_type) != "adapter")
    refuse(Errc::unsupported, key::general_type, "an adapter's is 'adapter'");
  if (file.get_string(key::adapter_type) != "lora")
    refuse(Errc::unsupported, key::adapter_type, "must be 'lora'");
  if (file.architecture() != architecture)
    refuse(Errc::mismatch, key::architecture, fmt::format("the model's is '{}'", architecture));
  if (file.has(key::alora_tokens))
    throw Error(Errc::unsupported,
                fmt::format("{}: key '{}': adapters that begin to work at certain tokens are not supported",
                            file.name(), key::alora_tokens.name));
}

std::string shape_text(const TensorInfo& t) {
  std::string text;
  for (int i = 0; i < t.n_dims; ++i) text += fmt::format("{}{}", i == 0 ? "" : " x ", t.dims[std::size_t(i)]);
  return text;
}

// A dimension of 0 is the rank.
void check_shape(const Gguf& file, const TensorInfo& t, std::initializer_list<std::int64_t> want,
                 const LoraPair& pair) {
  std::string wanted;
  std::size_t d = 0;
  bool same = true;
  for (const std::int64_t n : want) {
    same = same && (n == 0 || t.dims[d] == std::uint64_t(n));
    wanted += fmt::format("{}{}", d == 0 ? "" : " x ", n == 0 ? "rank" : fmt::format("{}", n));
    ++d;
  }
  for (; d < t.dims.size(); ++d) same = same && t.dims[d] == 1;
  if (!same)
    throw Error(Errc::shape, fmt::format("{}: tensor {} has shape {}, must be {} to fit the model's '{}'",
                                         file.name(), quote(t.name), shape_text(t), wanted, pair.name));
}

}  // namespace

LoraFile read_lora(const Gguf& file, std::string_view architecture) {
  check_kind(file, architecture);
  LoraFile lora;
  lora.alpha = float(file.get_float(key::lora_alpha).value_or(0));
  std::unordered_map<std::string_view, std::size_t> found;
  for (const TensorInfo& t : file.tensors()) {
    const bool is_a = t.name.ends_with(kA);
    if (!is_a && !t.name.ends_with(kB))
      throw Error(Errc::unsupported,
                  fmt::format("{}: tensor {} is no half of a pair '.lora_a' and '.lora_b': adapters that "
                              "replace whole tensors are not supported",
                              file.name(), quote(t.name)));
    const std::string_view name = t.name.substr(0, t.name.size() - kA.size());
    const auto [at, is_new] = found.try_emplace(name, lora.pairs.size());
    if (is_new) lora.pairs.push_back({std::string(name)});
    (is_a ? lora.pairs[at->second].a : lora.pairs[at->second].b) = &t;
  }
  if (lora.pairs.empty()) throw Error(Errc::missing, file.name() + ": the adapter has no tensors");
  for (const LoraPair& pair : lora.pairs) {
    if (pair.a == nullptr || pair.b == nullptr)
      throw Error(Errc::missing, fmt::format("{}: tensor {} is missing", file.name(),
                                             quote(pair.name + std::string(pair.a == nullptr ? kA : kB))));
  }
  return lora;
}

int rank_of(const Gguf& file, const LoraPair& pair, const LoraTarget& target) {
  const std::uint64_t rank = pair.b->dims[0];
  if (rank < 1 || rank > kMostRank)
    throw Error(Errc::shape, fmt::format("{}: tensor {} has rank {}, must be 1..{}", file.name(),
                                         quote(pair.b->name), rank, kMostRank));
  const auto r = std::int64_t(rank);
  if (target.embedding) {
    check_shape(file, *pair.b, {0, target.in}, pair);
    check_shape(file, *pair.a, {r, target.out}, pair);
  } else if (target.experts == 0) {
    check_shape(file, *pair.b, {0, target.out}, pair);
    check_shape(file, *pair.a, {target.in, r}, pair);
  } else {
    check_shape(file, *pair.b, {0, target.out, target.experts}, pair);
    check_shape(file, *pair.a, {target.in, r, target.experts}, pair);
  }
  return int(rank);
}

}  // namespace longhand
