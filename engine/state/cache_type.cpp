#include "engine/state/cache_type.h"

#include <fmt/format.h>

#include <iterator>

#include "ops/error.h"

namespace longhand {
namespace {

consteval bool in_order() {
  for (std::size_t i = 0; i < std::size(kCacheTypes); ++i) {
    if (std::size_t(kCacheTypes[i].type) != i) return false;
  }
  return true;
}
static_assert(in_order() && std::size(kCacheTypes) == kCacheFormats);

}  // namespace

CacheFormat cache_format(CacheType type) {
  const auto number = std::size_t(type);
  if (number < std::size(kCacheTypes)) return kCacheTypes[number].format;
  throw Error(Errc::range,
              fmt::format("cache type is {}, must be 0..{}", number, std::size(kCacheTypes) - 1));
}

bool packs_cache(const SessionOptions& options) noexcept {
  const auto packed = [](CacheType type) { return is_packed(kCacheTypes[std::size_t(type)].format); };
  return packed(options.key_cache) || packed(options.value_cache);
}

}  // namespace longhand
