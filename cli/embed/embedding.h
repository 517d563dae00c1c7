// What embed and rank share: a loaded model that makes vectors, computing many texts.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// Computes `inputs` with a bar, until one of the signals; and notes on stderr how many were cut. `visit` as
/// in Embedder::embed(). Throws Error.
void embed_all(Embedder& embedder, std::span<const Embedder::Input> inputs, const Embedder::Visit& visit);

}  // namespace longhand::cli
