// Stands in for http.cpp and sha256.cpp where the program is built without libcurl and OpenSSL.
#include "cli/pull/http.h"
#include "cli/pull/sha256.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

[[noreturn]] void refuse() {
  throw Error(Errc::unsupported,
              "this longhand was built without libcurl and OpenSSL, and downloads nothing (Debian: "
              "libcurl4-openssl-dev and libssl-dev, then build again)");
}

}  // namespace

WebReply http_get(const WebRequest&, const HttpBody&) { refuse(); }

struct Sha256::State {};
Sha256::Sha256() { refuse(); }
Sha256::~Sha256() = default;
void Sha256::add(std::span<const std::byte>) {}
std::string Sha256::finish() { return {}; }

}  // namespace longhand::cli
