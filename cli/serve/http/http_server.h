// The server's side of HTTP/1.1. The one place that knows which library speaks it.
#pragma once

#include <functional>
#include <memory>

#include "cli/serve/http/http.h"
#include "cli/serve/http/listener.h"

namespace longhand::cli {

class HttpServer {
 public:
  /// Called from many threads.
  using Handler = std::function<HttpReply(const HttpRequest&)>;
  /// Serves from now on, in threads of its own, which take the signals that this one takes. `handler` must
  /// not throw. Throws Error(io).
  HttpServer(Listener listener, HttpLimits limits, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const Listener& listener() const noexcept;
  /// Takes no more connections, and no more requests of those there are; waits until their replies are
  /// written.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand::cli
