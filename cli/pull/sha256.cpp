#include "cli/pull/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <new>

#include "ops/error.h"

namespace longhand::cli {
namespace {

void check(int result) {
  if (result != 1) throw Error(Errc::unsupported, "OpenSSL does not compute SHA-256 here");
}

}  // namespace

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};

  State() {
    if (context == nullptr) throw std::bad_alloc();
    begin();
  }
  void begin() const { check(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr)); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> sum{};
  check(EVP_DigestFinal_ex(state_->context.get(), sum.data(), nullptr));
  state_->begin();
  return fmt::format("{:02x}", fmt::join(sum, ""));
}

}  // namespace longhand::cli
