// The server's side of HTTP/1.1. The one place that knows which library speaks it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "cli/serve/http/http.h"
#include "cli/serve/http/listener.h"
#include "cli/serve/http/tls.h"

namespace longhand::cli {

class HttpServer {
 public:
  /// Called from many threads; must not throw.
  struct Handler {
    /// A reply where the request may not be made. Its body is not read, and is empty here.
    std::function<std::optional<HttpReply>(const HttpRequest&)> refuse;
    std::function<HttpReply(const HttpRequest&)> answer;
  };
  /// Serves from now on, in threads of its own, which take the signals that this one takes. `tls`: null:
  /// without. Throws Error(io).
  HttpServer(Listener listener, HttpLimits limits, Handler handler,
             std::shared_ptr<const TlsContext> tls = nullptr);
  /// Cuts, and waits for as long as a handler takes.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  using Clock = std::chrono::steady_clock;
  /// Takes no more connections, and no more requests of those there are; waits until their replies are
  /// written. False: `until` came first.
  bool stop(Clock::time_point until);
  /// After stop(): closes the connections, and waits until nobody works for them. False: `until` came first.
  bool cut(Clock::time_point until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand::cli
