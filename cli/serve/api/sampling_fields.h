// How tokens are drawn, as requests say it.
#pragma once

#include "cli/serve/api/json.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// Replaces those of `options` that the request names. Members are called as the library's own options
/// ("temperature", "top_k", "repeat_penalty", ...), which are the names that the APIs have, too; "logit_bias"
/// maps token ids to what is added. A "seed" is any integer, -1: a fresh one. Throws ApiError: of another
/// type, or out of an option's range.
void read_sampling(const Fields& fields, int vocab, SamplerOptions& options);

/// A seed of the sampler's 32 bits that is not the one that asks for a fresh seed. Smaller ones stay what
/// they are.
std::uint32_t fold_seed(std::uint64_t seed) noexcept;

/// What an answer ends before: one text or several. Throws ApiError: more than 64, or longer than 64 KiB
/// together.
std::vector<std::string> read_stops(const Fields& fields, const char* name);

/// The JSON schema of "response_format", if it asks for one. Throws ApiError.
std::optional<std::string> format_schema(const Fields& fields, const char* name);

}  // namespace longhand::cli
