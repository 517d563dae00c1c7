#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace longhand::test {
namespace {

std::string read_head(int connection) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(connection, &c, 1, 0) == 1) head += c;
  return head;
}

WebRequest parse(const std::string& head) {
  WebRequest request;
  std::istringstream lines(head);
  std::string method, line;
  lines >> method >> request.target;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](char c) { return char(std::tolower(std::uint8_t(c))); });
    request.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
  }
  if (const auto range = request.headers.find("range"); range != request.headers.end())
    request.from = std::stoll(range->second.substr(range->second.find('=') + 1));
  return request;
}

void send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // who asked has gone
    text.remove_prefix(std::size_t(n));
  }
}

}  // namespace

WebAnswer file_answer(const WebRequest& request, const std::string& body) {
  if (request.from < 0) return {.body = body};
  const auto from = std::size_t(request.from);
  if (from >= body.size())
    return {.status = 416, .headers = {fmt::format("Content-Range: bytes */{}", body.size())}};
  return {.status = 206,
          .headers = {fmt::format("Content-Range: bytes {}-{}/{}", from, body.size() - 1, body.size())},
          .body = body.substr(from)};
}

WebServer::WebServer(Handler handler) : handler_(std::move(handler)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (socket_ < 0 || ::bind(socket_, any, size) != 0 || ::listen(socket_, 16) != 0 ||
      ::getsockname(socket_, any, &size) != 0)
    throw std::runtime_error("no socket to listen on");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { serve(); });
}

WebServer::~WebServer() {
  ends_ = true;
  acceptor_.join();
  connections_.clear();
  ::close(socket_);
}

std::string WebServer::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::vector<WebRequest> WebServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void WebServer::serve() {
  while (!ends_) {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) connections_.emplace_back([this, connection] { answer(connection); });
  }
}

void WebServer::answer(int connection) {
  const WebRequest request = parse(read_head(connection));
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const WebAnswer answer = handler_(request);
  std::string head = fmt::format("HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {}\r\n",
                                 answer.status, answer.body.size());
  for (const std::string& header : answer.headers) head += header + "\r\n";
  send_all(connection, head + "\r\n");
  const std::string_view body = answer.body;
  const std::int64_t end = answer.hold_after >= 0 ? answer.hold_after : answer.cut_after;
  send_all(connection, end < 0 ? body : body.substr(0, std::size_t(end)));
  while (answer.hold_after >= 0 && !ends_) {
    pollfd gone{connection, POLLRDHUP, 0};
    if (::poll(&gone, 1, 20) > 0) break;
  }
  ::close(connection);
}

}  // namespace longhand::test
