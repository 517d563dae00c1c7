// What is asked over HTTP, and what is answered, whichever library speaks it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longhand::cli {

struct HttpRequest {
  std::string method, path, body;
  std::string client;  ///< its address
  /// The value of a header, whatever its case; empty where there is none.
  std::function<std::string(const std::string& name)> header;
  /// False once the client has closed its side of the connection.
  std::function<bool()> alive;
};

/// Where a streamed reply goes. False: the client has gone, or does not read for too long.
using HttpSink = std::function<bool(std::string_view)>;

struct HttpReply {
  int status = 200;
  std::string type = "application/json", body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Writes the body instead, piece by piece; returns at its end.
  std::function<void(const HttpSink&)> stream = {};
};

/// What a client may take, so that none keeps others out.
struct HttpLimits {
  std::size_t header_bytes = 32 << 10;  ///< of request line and headers
  std::size_t body_bytes = 32 << 20;
  std::size_t all_bodies_bytes = 128 << 20;       ///< of all requests under way together
  int connections = 2048;                         ///< open at once; each has a thread
  std::chrono::milliseconds header_time{10'000};  ///< for all of the headers
  std::chrono::milliseconds body_time{60'000};    ///< for all of the body
  std::chrono::milliseconds idle_time{60'000};    ///< between requests
  std::chrono::milliseconds write_time{30'000};   ///< without a byte taken by the client
};

}  // namespace longhand::cli
