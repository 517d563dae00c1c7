// SHA-256 of bytes that come in pieces (FIPS 180-4).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace longhand::cli {

class Sha256 {
 public:
  /// Throws Error (no_memory; unsupported: a program built without the library for it).
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  /// 64 lower-case digits. The next add() begins anew.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether `text` is a sum as finish() writes it.
bool is_sha256(std::string_view text) noexcept;

}  // namespace longhand::cli
