// Who may ask, before anybody looks at what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/serve/http/http.h"

namespace longhand::cli {

struct GateOptions {
  std::vector<std::string> keys = {};     ///< one of them has to come along; none: no key is asked for
  std::vector<std::string> origins = {};  ///< of pages that may ask; "*": any
  /// Names of this machine that a client may use, without port; none: any. A page of a stranger's domain
  /// that resolves to this machine is kept out by that.
  std::vector<std::string> hosts = {};
};

class Gate {
 public:
  explicit Gate(GateOptions options) : options_(std::move(options)) {}

  struct Refusal {
    int status = 0;
    std::string why;
  };
  /// Nothing where the request may pass. `open`: what it asks for is for everybody.
  std::optional<Refusal> check(const HttpRequest& request, bool open) const;
  /// Headers that let a page of another origin read the reply; none where the origin is not allowed.
  std::vector<std::pair<std::string, std::string>> cross_origin(const HttpRequest& request) const;

 private:
  bool allows_origin(const std::string& origin) const;
  bool has_key(const HttpRequest& request) const;

  GateOptions options_;
};

/// "localhost" of "localhost:8080", "[::1]" of "[::1]:8080".
std::string without_port(const std::string& host);

}  // namespace longhand::cli
