// What turning a file back needs of it: see unconvert.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"

namespace longhand::test {

using Names = std::map<std::string, std::string>;

/// Names and the class of an architecture, and what its code does otherwise.
struct Origin {
  std::string model_class;
  Names names = {};         // before the usual ones
  bool neighbours = false;  // rotated pairs are neighbours in GGUF, halves of a head at its origin
  bool norms_add_one = false;
  std::string norm_not_added = {};
};

const Origin& origin_of(std::string_view architecture);
/// The name at the origin of a tensor called `stem` in files, without layer and ending.
const std::string& original_name(const Origin& origin, const std::string& stem);

/// A matrix per index before the last two.
struct Array {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
  std::size_t cols() const { return std::size_t(shape.back()); }
  std::size_t rows() const { return values.size() / cols(); }
};

Array array_of(const TensorInfo& tensor);

/// Reads metadata without the library's own rules; keys stand without the architecture.
class FileKeys {
 public:
  explicit FileKeys(const Gguf& file) : file_(file), arch_(file.architecture()) {}
  const MetaEntry* find(const std::string& key) const { return file_.find(arch_ + "." + key); }
  double number(const std::string& key, double otherwise = 0) const;
  std::vector<double> numbers(const std::string& key) const;
  std::string text(const std::string& key) const;

 private:
  const Gguf& file_;
  std::string arch_;
};

/// config.json.
nlohmann::json config_of(const Gguf& file);

}  // namespace longhand::test
