// Which tokens end an answer, mark fill-in-the-middle or swallow spaces: files say it only in part, the rest
// is known by the tokens' texts.
#pragma once

#include <string_view>

#include "loaders/vocab/vocab.h"

namespace longhand {

/// Completes eot and the fim_ tokens, fills end_of_generation, strip_left and strip_right, and gives such
/// tokens the type control. `architecture` is general.architecture.
void assign_token_roles(Vocab& vocab, std::string_view architecture);

/// Whether a token of this text ends an answer in any vocabulary that has it.
bool ends_generation_by_name(std::string_view text) noexcept;

}  // namespace longhand
