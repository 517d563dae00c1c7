// A connection to a client, read and written within limits.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>

#include "cli/serve/http/http.h"
#include "cli/serve/http/tls.h"

namespace longhand::cli {

class Connection {
 public:
  /// `socket` stays the caller's. `tls`: null: bytes are as they are.
  Connection(int socket, const HttpLimits& limits, std::unique_ptr<TlsSession> tls) noexcept
      : socket_(socket), limits_(limits), tls_(std::move(tls)) {}

  /// Waits for the first byte of a request; false: none came, or the client has gone.
  bool wait_request();
  /// The headers were read: what follows is the body.
  void headers_end();

  /// Up to `size` bytes; -1: limits, time or connection have ended.
  ssize_t read(char* to, std::size_t size);
  /// All of it, else false.
  bool write(const char* from, std::size_t size);
  /// The client has not gone. One that has closed its side only may still read a reply.
  bool alive() noexcept;
  int socket() const noexcept { return socket_; }

  enum class Failure { none, headers_too_long, too_slow };
  Failure failure() const noexcept { return failure_; }
  /// Says that nothing more comes, and reads what the client still sends for a moment: closing at once would
  /// destroy what it has not read yet.
  void part() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events, Clock::time_point until) const noexcept;
  // What comes from the client, and goes there, whatever it says. Of receive() 0: it has ended.
  ssize_t receive(char* to, std::size_t size) noexcept;
  bool send(const char* from, std::size_t size) noexcept;
  bool flush();
  ssize_t fill();

  int socket_;
  const HttpLimits& limits_;
  const std::unique_ptr<TlsSession> tls_;
  std::array<char, 16384> buffer_;
  std::size_t at_ = 0, end_ = 0;  // what is in it
  bool in_headers_ = false;
  std::size_t header_bytes_ = 0;
  bool replied_ = false;  // something was written for this request
  Clock::time_point deadline_{};
  Failure failure_ = Failure::none;
};

}  // namespace longhand::cli
