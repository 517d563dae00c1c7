#include "cli/serve/http/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr int kBacklog = 512;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (status != 0) throw Error(Errc::io, fmt::format("{}: {}", host, ::gai_strerror(status)));
  return {found, &::freeaddrinfo};
}

bool is_local_address(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  if (address.sa_family != AF_INET6) return false;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

int port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

Descriptor new_socket(int family) { return Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

// Of a server that has died.
void remove_stale(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const Descriptor probe = new_socket(AF_UNIX);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED)
    ::unlink(address.sun_path);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      address_(std::move(other.address_)),
      path_(std::exchange(other.path_, {})),
      local_(other.local_) {}

Listener::~Listener() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Listener Listener::at_port(const std::string& host, int port, const char* scheme) {
  const Addresses addresses = resolve(host, std::to_string(port), AI_PASSIVE);
  int why = 0;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    Descriptor socket = new_socket(a->ai_family);
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (socket.get() < 0 || ::bind(socket.get(), a->ai_addr, a->ai_addrlen) != 0 ||
        ::listen(socket.get(), kBacklog) != 0) {
      why = errno;
      continue;
    }
    const int bound = port_of(socket.get());
    const bool colons = host.find(':') != std::string::npos;
    Listener listener(std::move(socket), fmt::format("{}://{}{}{}:{}", scheme, colons ? "[" : "", host,
                                                     colons ? "]" : "", bound));
    listener.local_ = is_local_address(*a->ai_addr);
    return listener;
  }
  throw Error(Errc::io, fmt::format("{}:{}: {}", host, port, std::strerror(why)));
}

Listener Listener::at_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw Error(Errc::io, fmt::format("{}: the path of a socket must be shorter than {} bytes", path,
                                      sizeof address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  remove_stale(address);
  Descriptor socket = new_socket(AF_UNIX);
  const mode_t before = ::umask(0177);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int why = errno;
  ::umask(before);
  if (bound != 0 || ::listen(socket.get(), kBacklog) != 0)
    throw Error(Errc::io, fmt::format("{}: {}", path, std::strerror(bound != 0 ? why : errno)));
  Listener listener(std::move(socket), path);
  listener.path_ = path;
  return listener;
}

}  // namespace longhand::cli
