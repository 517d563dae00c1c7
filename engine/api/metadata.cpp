// What a model's file says, key by key, and what its authors recommend.

#include <fmt/format.h>

#include <array>
#include <tuple>

#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "engine/types/memory_errors.h"
#include "loaders/gguf/gguf_values.h"

namespace longhand {
namespace {

static_assert(std::is_same_v<MetadataValue, AnyValue>);

constexpr MetadataType kInteger = MetadataType::integer, kNatural = MetadataType::natural,
                       kNumber = MetadataType::number;
// Indexed by ValueType.
constexpr std::array<MetadataType, 13> kTypes = {
    kNatural,           kInteger, kNatural, kInteger, kNatural, kInteger, kNumber, MetadataType::boolean,
    MetadataType::text, kInteger, kNatural, kInteger, kNumber};

const MetaEntry& entry_of(const ModelData& model, std::size_t number) {
  const auto all = model.file.metadata();
  if (number < all.size()) return all[number];
  throw Error(Errc::range, fmt::format("key number {} of the metadata must be 0..{}", number,
                                       std::int64_t(all.size()) - 1));
}

// What a file can recommend.
constexpr std::tuple kRecommended = {
    std::pair(&SamplerOptions::temperature, &key::sampling_temp),
    std::pair(&SamplerOptions::top_k, &key::sampling_top_k),
    std::pair(&SamplerOptions::top_p, &key::sampling_top_p),
    std::pair(&SamplerOptions::min_p, &key::sampling_min_p),
    std::pair(&SamplerOptions::xtc_probability, &key::sampling_xtc_probability),
    std::pair(&SamplerOptions::xtc_threshold, &key::sampling_xtc_threshold),
    std::pair(&SamplerOptions::penalty_last_n, &key::sampling_penalty_last_n),
    std::pair(&SamplerOptions::repeat_penalty, &key::sampling_penalty_repeat),
    std::pair(&SamplerOptions::mirostat, &key::sampling_mirostat),
    std::pair(&SamplerOptions::mirostat_tau, &key::sampling_mirostat_tau),
    std::pair(&SamplerOptions::mirostat_eta, &key::sampling_mirostat_eta)};

void take(const Gguf& file, const KeySpec& key, int& value) {
  if (const auto found = file.get_int(key)) value = int(*found);
}
void take(const Gguf& file, const KeySpec& key, float& value) {
  if (const auto found = file.get_float(key)) value = float(*found);
}

}  // namespace

std::size_t Model::metadata_count() const noexcept { return data_->file.metadata().size(); }

MetadataEntry Model::metadata(std::size_t number) const {
  return translate_memory_errors([&] {
    const MetaEntry& entry = entry_of(*data_, number);
    const bool is_array = entry.type == ValueType::array;
    return MetadataEntry{entry.key, kTypes[std::size_t(is_array ? entry.element : entry.type)], is_array,
                         entry.count};
  });
}

std::optional<std::size_t> Model::find_metadata(std::string_view key) const noexcept {
  const MetaEntry* entry = data_->file.find(key);
  if (entry == nullptr) return std::nullopt;
  return std::size_t(entry - data_->file.metadata().data());
}

std::vector<MetadataValue> Model::metadata_values(std::size_t number) const {
  return translate_memory_errors([&] { return any_values(entry_of(*data_, number)); });
}

SamplerOptions Model::recommended_sampling() const {
  return translate_memory_errors([&] {
    SamplerOptions options;
    const auto take_one = [&](const auto& recommended) {
      take(data_->file, *recommended.second, options.*recommended.first);
    };
    std::apply([&](const auto&... recommended) { (take_one(recommended), ...); }, kRecommended);
    return options;
  });
}

}  // namespace longhand
