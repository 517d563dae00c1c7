// The largest numbers that options may name.
#pragma once

namespace longhand {

/// Threads of a session or of loading, tokens computed at once, tokens of a text.
inline constexpr int kMaxThreads = 256, kMaxBatch = 8192, kMaxContext = 1 << 30;

}  // namespace longhand
