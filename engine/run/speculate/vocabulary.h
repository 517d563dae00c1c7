// Whether two models speak of the same tokens.
#pragma once

#include "loaders/vocab/vocab.h"

namespace longhand {

/// Throws Error(unsupported) naming the first difference. Models of one family round their vocabularies up to
/// different sizes: unused tokens at the end of the longer one are no difference.
void check_same_vocabulary(const Vocab& draft, const Vocab& target);

}  // namespace longhand
