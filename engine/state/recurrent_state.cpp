#include "engine/state/recurrent_state.h"

#include <cstring>

namespace longhand {

void RecurrentState::clear() noexcept {
  at_ = 0;
  if (buffer_.data() != nullptr) std::memset(buffer_.data(), 0, buffer_bytes());
}

}  // namespace longhand
