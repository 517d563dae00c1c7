// The code of the error something throws.
#pragma once

#include <gtest/gtest.h>

#include "ops/error.h"

namespace longhand::test {

template <class Function>
Errc code_of(const Function& f) {
  try {
    f();
  } catch (const Error& e) { return e.code(); }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::corrupt;
}

}  // namespace longhand::test
