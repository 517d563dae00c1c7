// TLS for the server's connections, as bytes that go in and come out; who moves them is not known here. A
// program that was built without OpenSSL has none and says so.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

namespace longhand::cli {

/// The server's side of one connection.
class TlsSession {
 public:
  virtual ~TlsSession() = default;
  /// Bytes from the client.
  virtual void put(const char* from, std::size_t size) = 0;
  /// What they say, up to `size` bytes; 0: more of them are needed; -1: the connection has ended or failed.
  virtual ssize_t read(char* to, std::size_t size) = 0;
  /// Something for the client; false: the connection has failed.
  virtual bool write(const char* from, std::size_t size) = 0;
  /// Bytes that have to be sent to the client by now.
  virtual std::string take() = 0;
  /// Whether read() may have something without more bytes.
  virtual bool pending() const = 0;
  /// Nothing more is written.
  virtual void close() = 0;
};

/// The server's certificate and key. May be used by many threads at once.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  virtual std::unique_ptr<TlsSession> session() const = 0;
};

/// Of files in PEM: the certificate, followed by those that vouch for it, and its key. Throws Error: io (a
/// file cannot be read, or is none), mismatch (the key of another certificate), unsupported (built without
/// OpenSSL).
std::shared_ptr<const TlsContext> load_tls(const std::string& certificate, const std::string& key);

}  // namespace longhand::cli
