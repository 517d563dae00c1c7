#include "cli/serve/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace longhand::cli {
namespace {

constexpr std::chrono::milliseconds kPartingTime{500};
constexpr int kPartingReads = 256;

}  // namespace

bool Connection::wait(short events, Clock::time_point until) const noexcept {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd p{socket_, events, 0};
    const int ready = ::poll(&p, 1, int(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool Connection::wait_request() {
  in_headers_ = true;
  header_bytes_ = 0;
  const bool has_more = at_ < end_ || (tls_ && tls_->pending());
  if (!has_more && !wait(POLLIN, Clock::now() + limits_.idle_time)) return false;
  deadline_ = Clock::now() + limits_.header_time;
  return true;
}

void Connection::headers_end() {
  in_headers_ = false;
  replied_ = false;
  deadline_ = Clock::now() + limits_.body_time;
}

ssize_t Connection::receive(char* to, std::size_t size) noexcept {
  ssize_t n = 0;
  do { n = ::recv(socket_, to, size, 0); } while (n < 0 && errno == EINTR);
  return n;
}

bool Connection::send(const char* from, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t n = ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno != EAGAIN || !wait(POLLOUT, Clock::now() + limits_.write_time))) return false;
    if (n < 0) continue;
    from += n;
    size -= std::size_t(n);
  }
  return true;
}

bool Connection::flush() {
  const std::string bytes = tls_->take();
  return send(bytes.data(), bytes.size());
}

// More of what the client says, into the empty buffer; 0: it has ended; -1: it failed, or is too slow.
ssize_t Connection::fill() {
  std::array<char, 16384> raw;
  while (true) {
    if (tls_) {
      const ssize_t n = tls_->read(buffer_.data(), buffer_.size());
      if (!flush() || n < 0) return -1;
      if (n > 0) return n;
    }
    if (!wait(POLLIN, deadline_)) {
      failure_ = Failure::too_slow;
      return -1;
    }
    if (!tls_) return receive(buffer_.data(), buffer_.size());
    const ssize_t n = receive(raw.data(), raw.size());
    if (n <= 0) return n;
    tls_->put(raw.data(), std::size_t(n));
  }
}

ssize_t Connection::read(char* to, std::size_t size) {
  if (in_headers_ && header_bytes_ >= limits_.header_bytes) {
    failure_ = Failure::headers_too_long;
    return -1;
  }
  if (at_ == end_) {
    const ssize_t n = fill();
    if (n <= 0) return n;
    at_ = 0, end_ = std::size_t(n);
  }
  const std::size_t n = std::min(size, end_ - at_);
  std::memcpy(to, buffer_.data() + at_, n);
  at_ += n;
  if (in_headers_) header_bytes_ += n;
  return ssize_t(n);
}

bool Connection::write(const char* from, std::size_t size) {
  replied_ = true;
  return tls_ ? tls_->write(from, size) && flush() : send(from, size);
}

bool Connection::alive() noexcept {
  pollfd p{socket_, POLLRDHUP, 0};
  if (::poll(&p, 1, 0) <= 0) return true;
  if ((p.revents & (POLLHUP | POLLERR)) != 0) return false;
  // It has closed its side, or everything: that TCP tells only who sends something. These bytes may come
  // before a reply; a stream finds out by its own.
  constexpr std::string_view kProbe = "HTTP/1.1 102 Processing\r\n\r\n";
  try {
    return replied_ || write(kProbe.data(), kProbe.size());
  } catch (const std::exception&) { return false; }  // memory is short
}

void Connection::part() noexcept {
  if (tls_) try {
      tls_->close();
      flush();
    } catch (const std::exception&) {}  // memory is short
  ::shutdown(socket_, SHUT_WR);
  const auto until = Clock::now() + kPartingTime;
  for (int i = 0; i < kPartingReads && wait(POLLIN, until); ++i)
    if (::recv(socket_, buffer_.data(), buffer_.size(), 0) <= 0) return;
}

}  // namespace longhand::cli
