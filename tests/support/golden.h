// Reference data: the whole set beside the checkout (or where LONGHAND_GOLDEN says) where there is one, else
// the small part in tests/data. Tests that need what is not there skip loudly.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace longhand::test {

/// Path of a file or folder of the reference data, or "" when it is not there.
std::string golden(const std::string& relative);
std::vector<std::byte> read_bytes(const std::string& path);
std::vector<float> read_floats(const std::string& path);
std::string read_text(const std::string& path);
std::vector<std::string> list_folder(const std::string& path);  // sorted names

/// sum((x - truth)^2) / sum(truth^2); infinity when sizes differ or something is not finite.
double nmse(const std::vector<float>& x, const std::vector<float>& truth);

}  // namespace longhand::test

/// Skips the running test, saying what was not tested, when `path` is empty.
#define LONGHAND_NEED_GOLDEN(path) \
  if ((path).empty())              \
  GTEST_SKIP() << "SKIPPED, NOT TESTED: the golden reference data is not beside this checkout"
