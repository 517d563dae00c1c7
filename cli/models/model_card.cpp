#include "cli/models/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/terminal/units.h"
#include "loaders/gguf/gguf.h"
#include "loaders/model/config.h"
#include "ops/error.h"
#include "ops/format.h"
#include "ops/interleaved.h"

namespace longhand::cli {
namespace {

// Below this a chat is not worth starting.
constexpr int kLeastContext = 1024;
constexpr std::uint64_t kCacheBytesPerNumber = 2;  // f16

std::string most_common_type(const Gguf& file) {
  std::map<std::string_view, std::size_t> bytes;
  for (const TensorInfo& tensor : file.tensors()) {
    const TensorTypeInfo* type = known_tensor_type(tensor.type_id);
    bytes[type == nullptr ? "?" : type->name] += tensor.data.size();
  }
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? "" : std::string(most->first);
}

void check_types(const Gguf& file) {
  for (const TensorInfo& tensor : file.tensors()) {
    if (find_format(tensor.type_id) >= 0 || find_interleaved(tensor.type_id) >= 0) continue;
    const TensorTypeInfo* type = known_tensor_type(tensor.type_id);
    throw Error(Errc::unsupported,
                fmt::format("tensors of type {} are not supported", type == nullptr ? "?" : type->name));
  }
}

void read_config(ModelCard& card, const Gguf& file) {
  const ModelConfig config = load_config(file);
  card.context = config.trained_context;
  if (config.embeds()) throw Error(Errc::unsupported, "makes vectors of texts: for embed and rank");
  card.cache_bytes_per_token = std::uint64_t(config.remembered()) * kCacheBytesPerNumber;
}

}  // namespace

ModelCard read_card(const std::string& path) {
  try {
    return read_card(Gguf::open(path));
  } catch (const Error& error) {
    ModelCard card;
    std::error_code ignored;
    if (const auto bytes = std::filesystem::file_size(path, ignored); !ignored) card.file_bytes = bytes;
    card.problem = error.what();
    return card;
  }
}

ModelCard read_card(const Gguf& file) {
  ModelCard card;
  card.file_bytes = file.file_bytes();
  try {
    card.architecture = file.architecture();
    card.type = most_common_type(file);
    if (file.tensors().empty()) throw Error(Errc::missing, "a vocabulary without weights");
    // One line of a list is too short for the names of all that is supported.
    if (find_arch(file.architecture()) == nullptr)
      throw Error(Errc::unsupported, fmt::format("architecture '{}' is not supported", card.architecture));
    read_config(card, file);
    check_types(file);
  } catch (const Error& error) { card.problem = error.what(); }
  return card;
}

Fit fit(const ModelCard& card, std::uint64_t available) noexcept {
  if (available == 0 || card.cache_bytes_per_token == 0) return {true, card.context};
  if (card.file_bytes > available) return {};
  const std::uint64_t tokens = (available - card.file_bytes) / card.cache_bytes_per_token;
  const auto context = int(std::min<std::uint64_t>(tokens, std::uint64_t(card.context)));
  return {context >= std::min(kLeastContext, card.context), context};
}

std::string fit_text(const ModelCard& card, std::uint64_t available) {
  if (!card.problem.empty()) return card.problem;
  const Fit found = fit(card, available);
  if (found.fits && found.context == card.context) return "yes";
  if (found.fits) return fmt::format("yes, {} tokens", found.context / 256 * 256);
  const int least = std::min(kLeastContext, card.context);
  return fmt::format("no, needs {}",
                     format_bytes(card.file_bytes + std::uint64_t(least) * card.cache_bytes_per_token));
}

}  // namespace longhand::cli
