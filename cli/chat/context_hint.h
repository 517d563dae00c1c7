// What to do about a text that does not fit.
#pragma once

#include <cstddef>

#include "engine/longhand.h"

namespace longhand::cli {

/// `error` (context_full), its message followed by the flags with which `needed` tokens fit a session like
/// this one, made with `options`.
Error with_context_hint(const Error& error, const Session& session, const SessionOptions& options,
                        std::size_t needed);

}  // namespace longhand::cli
