// How long work says how far it is.
#pragma once

#include <functional>

namespace longhand {

/// Told the share done, 0..1; returning false cancels the work, which then throws Error (cancelled) and
/// leaves nothing behind.
using Progress = std::function<bool(float)>;

}  // namespace longhand
