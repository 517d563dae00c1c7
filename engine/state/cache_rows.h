// Single keys and values of a cache, in whatever format it is.
#pragma once

#include "engine/state/kv_cache.h"

namespace longhand {

/// Key and value of token `index` of a view as floats (key_dim, value_dim).
void read_key(const KvShape& shape, const KvView& view, int index, float* key) noexcept;
void read_value(const KvShape& shape, const KvView& view, int index, float* value) noexcept;

/// A key that was written as a value is, `row`, becomes that of token `index` of a view.
void place_key(const KvShape& shape, const std::byte* row, const KvView& view, int index) noexcept;

}  // namespace longhand
