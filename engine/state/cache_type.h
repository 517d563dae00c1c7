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
    {CacheType::q4_0, CacheFormat::q4_0, kCacheTypeNames[4]},
    {CacheType::q4_1, CacheFormat::q4_1, kCacheTypeNames[5]},
    {CacheType::q5_0, CacheFormat::q5_0, kCacheTypeNames[6]},
    {CacheType::q5_1, CacheFormat::q5_1, kCacheTypeNames[7]},
    {CacheType::iq4_nl, CacheFormat::iq4_nl, kCacheTypeNames[8]},
};

/// Throws Error(range): a number that is no type.
CacheFormat cache_format(CacheType type);

/// Whether a session's keys or values are unpacked before attention looks at them. The types are known ones.
bool packs_cache(const SessionOptions& options) noexcept;

}  // namespace longhand
