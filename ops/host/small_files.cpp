#include "ops/host/small_files.h"

#include <cstdio>
#include <fstream>

namespace longhand {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::uint64_t number_in(const std::string& path) {
  unsigned long long value = 0;
  return std::sscanf(first_line(path).c_str(), "%llu", &value) == 1 ? value : 0;
}

std::uint64_t number_after(const std::string& path, std::string_view name) {
  std::ifstream in(path);
  for (std::string word; in >> word;) {
    std::uint64_t value = 0;
    if (word == name && in >> value) return value;
  }
  return 0;
}

}  // namespace longhand
