// How tokens are drawn, as requests say it.
#pragma once

#include "cli/serve/api/json.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// Replaces those of `options` that the request names. Members are called as the library's own options
/// ("temperature", "top_k", "repeat_penalty", ...), which are the names that the APIs have, too; "logit_bias"
/// maps token ids to what is added. Throws ApiError: of another type, or out of an option's range.
void read_sampling(const Fields& fields, int vocab, SamplerOptions& options);

/// The grammar of "response_format", if it has one. Throws ApiError.
std::optional<std::string> format_grammar(const Fields& fields, const char* name);
/// Of a JSON schema; of any JSON object where it is null. Throws ApiError.
std::string schema_grammar_of(const Json& schema, const std::string& path);

}  // namespace longhand::cli
