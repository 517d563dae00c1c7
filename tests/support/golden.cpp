#include "tests/support/golden.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

namespace longhand::test {

std::string golden(const std::string& relative) {
  const char* elsewhere = std::getenv("LONGHAND_GOLDEN");
  for (const char* root : {elsewhere != nullptr ? elsewhere : LONGHAND_GOLDEN, LONGHAND_TEST_DATA}) {
    const std::string path = std::string(root) + "/" + relative;
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::byte> read_bytes(const std::string& path) {
  const std::string text = read_text(path);
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::vector<float> read_floats(const std::string& path) {
  const std::string text = read_text(path);
  std::vector<float> floats(text.size() / sizeof(float));
  if (!floats.empty()) std::memcpy(floats.data(), text.data(), floats.size() * sizeof(float));
  return floats;
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

double nmse(const std::vector<float>& x, const std::vector<float>& truth) {
  if (x.size() != truth.size()) return std::numeric_limits<double>::infinity();
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    error += (double(x[i]) - truth[i]) * (double(x[i]) - truth[i]);
    norm += double(truth[i]) * truth[i];
  }
  const double ratio = error / norm;
  return std::isfinite(ratio) ? ratio : std::numeric_limits<double>::infinity();
}

}  // namespace longhand::test
