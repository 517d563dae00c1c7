// What stands in for TLS in a program that was built without OpenSSL.
#include "cli/serve/http/tls.h"
#include "ops/error.h"

namespace longhand::cli {

std::shared_ptr<const TlsContext> load_tls(const std::string&, const std::string&) {
  throw Error(Errc::unsupported, "this program was built without OpenSSL and speaks no TLS");
}

}  // namespace longhand::cli
