// Which of the known pre-tokenizers cuts texts as tokenizer.json says.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longhand {

/// Throws Error (unsupported) for a `normalizer` of tokenizer.json that changes more than Unicode's forms of
/// the same characters, which is not done; `where` stands in its message.
void check_normalizer(const nlohmann::json& normalizer, const std::string& where);

/// The expressions that `pre_tokenizer` of tokenizer.json cuts by, one after the other, in one spelling: the
/// shorthand %C for contractions and \x{41} for what is not ASCII. Throws Error (unsupported) for a kind of
/// pre-tokenizer that cuts otherwise; `where` stands in its message.
std::vector<std::string> cutting_expressions(const nlohmann::json& pre_tokenizer, const std::string& where);

/// The name for tokenizer.ggml.pre: of those that cut by the same expressions one of `preferred`, else the
/// usual one. `ignores_merges`: a word that is a token is that token. "" where none does.
std::string match_pre_tokenizer(const std::vector<std::string>& expressions, bool ignores_merges,
                                std::span<const std::string_view> preferred);

}  // namespace longhand
