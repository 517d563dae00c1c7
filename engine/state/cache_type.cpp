#include "engine/state/cache_type.h"

#include <fmt/format.h>

#include <algorithm>
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

const CacheTypeInfo& info(CacheType type) {
  const auto number = std::size_t(type);
  if (number >= std::size(kCacheTypes)) {
    throw Error(Errc::range,
                fmt::format("cache type is {}, must be 0..{}", number, std::size(kCacheTypes) - 1));
  }
  return kCacheTypes[number];
}

}  // namespace

CacheFormat cache_format(CacheType type) { return info(type).format; }

std::string_view cache_type_name(CacheType type) { return info(type).name; }

CacheType parse_cache_type(std::string_view name) {
  const auto* const found = std::ranges::find(kCacheTypes, name, &CacheTypeInfo::name);
  if (found == std::end(kCacheTypes))
    throw Error(Errc::range, fmt::format("'{}' is no cache type; q8_0, for example, is one", name));
  return found->type;
}

}  // namespace longhand
