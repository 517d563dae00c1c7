// The socket that clients connect to.
#pragma once

#include <string>

namespace longhand::cli {

/// A descriptor that is closed with it.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const noexcept { return fd_; }
  void reset() noexcept;

 private:
  int fd_;
};

class Listener {
 public:
  /// Port 0: any that is free. `scheme` is how the address begins. Throws Error(io).
  static Listener at_port(const std::string& host, int port, const char* scheme = "http");
  /// A socket in the file system, for this user alone; one that nobody listens to any more is replaced.
  /// Throws Error(io).
  static Listener at_path(const std::string& path);
  ~Listener();
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) = delete;

  int descriptor() const noexcept { return socket_.get(); }
  /// "http://127.0.0.1:8080", or the path.
  const std::string& address() const noexcept { return address_; }
  /// Connections come from this machine alone.
  bool is_local() const noexcept { return local_; }

 private:
  Listener(Descriptor socket, std::string address)
      : socket_(std::move(socket)), address_(std::move(address)) {}

  Descriptor socket_;
  std::string address_, path_;
  bool local_ = true;
};

}  // namespace longhand::cli
