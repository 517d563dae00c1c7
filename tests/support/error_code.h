// The code of the error something throws, and its message, which is a line.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>

#include "ops/error.h"

namespace longhand::test {

template <class Function>
std::optional<Errc> code_of(const Function& f, std::string* message = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (message != nullptr) *message = e.what();
    EXPECT_EQ(std::strchr(e.what(), '\n'), nullptr);
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return std::nullopt;
}

}  // namespace longhand::test
