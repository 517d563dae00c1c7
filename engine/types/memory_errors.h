// The standard library's way of saying that memory is short, in the library's words.
#pragma once

#include <new>
#include <stdexcept>

#include "ops/error.h"

namespace longhand {

/// What f() returns. Throws Error(no_memory) where it throws std::bad_alloc or std::length_error.
template <class Function>
decltype(auto) translate_memory_errors(const Function& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw Error(Errc::no_memory, "not enough memory");
  } catch (const std::length_error&) {
    throw Error(Errc::no_memory, "not enough memory: a size is beyond what this machine can address");
  }
}

}  // namespace longhand
