// What a cache type is called, and how its numbers are written.
#pragma once

#include <string_view>

#include "engine/types/session_options.h"
#include "ops/cache_layout.h"

namespace longhand {

struct CacheTypeInfo {
  CacheType type;
  CacheFormat format;
  std::string_view name;
};

/// By CacheType.
inline constexpr CacheTypeInfo kCacheTypes[] = {
    {CacheType::f32, CacheFormat::f32, kCacheTypeNames[0]},
    {CacheType::f16, CacheFormat::f16, kCacheTypeNames[1]},
    {CacheType::q8_0, CacheFormat::q8_0, kCacheTypeNames[2]},
    {CacheType::bf16, CacheFormat::bf16, kCacheTypeNames[3]},
};

/// Throws Error(range): a number that is no type.
CacheFormat cache_format(CacheType type);

}  // namespace longhand
