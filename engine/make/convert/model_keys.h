// The metadata of a GGUF file that is being made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf_writer.h"

namespace longhand {

/// Keys of a model stand without the architecture that files put before them: "attention.head_count". A key
/// that is set again has its new value.
class ModelKeys {
 public:
  explicit ModelKeys(std::string architecture);

  void count(std::string_view key, std::int64_t value);  // written as u32
  void number(std::string_view key, double value);       // as f32
  void flag(std::string_view key, bool value);
  void text(std::string_view key, const std::string& value);
  void counts(std::string_view key, const std::vector<std::int64_t>& values);  // as i32
  void flags(std::string_view key, const std::vector<bool>& values);

  /// A key that no architecture stands before.
  void set(GgufEntry entry);

  const std::string& architecture() const noexcept { return architecture_; }
  const std::vector<GgufEntry>& entries() const noexcept { return entries_; }

 private:
  std::string name(std::string_view key) const;

  std::string architecture_;
  std::vector<GgufEntry> entries_;
};

}  // namespace longhand
