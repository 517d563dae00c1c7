#include "tests/serve/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace longhand::test {

Connected::Connected(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(std::uint16_t(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

Connected::~Connected() { ::close(fd_); }

void Connected::send(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return;
    at += std::size_t(n);
  }
}

bool Connected::read_some() {
  pollfd p{fd_, POLLIN, 0};
  if (::poll(&p, 1, 30'000) <= 0) return false;
  char buffer[65536];
  const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  held_.append(buffer, std::size_t(n));
  return true;
}

bool Connected::read_until(const std::string& text) {
  while (held_.find(text) == std::string::npos)
    if (!read_some()) return false;
  return true;
}

std::string Connected::take(std::size_t n) {
  while (held_.size() < n && read_some()) {}
  std::string taken = held_.substr(0, n);
  held_.erase(0, taken.size());
  return taken;
}

Reply Connected::read_reply(bool head) {
  Reply reply;
  if (!read_until("\r\n\r\n")) return reply;
  std::istringstream lines(take(held_.find("\r\n\r\n") + 4));
  std::string version, line;
  lines >> version >> reply.status;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    std::string name = line.substr(0, line.find(':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    reply.headers[name] = line.substr(line.find(':') + 2, line.size() - line.find(':') - 3);
  }
  if (head || reply.status == 204) return reply;
  if (reply.headers["transfer-encoding"] != "chunked") {
    reply.body = take(std::stoul("0" + reply.headers["content-length"]));
    return reply;
  }
  while (read_until("\r\n")) {
    const std::string size = take(held_.find("\r\n") + 2);
    const std::size_t n = std::stoul(size, nullptr, 16);
    reply.body += take(n);
    take(2);
    if (n == 0) break;
  }
  return reply;
}

std::string Connected::read_all() {
  while (read_some()) {}
  return std::exchange(held_, {});
}

void Connected::half_close() { ::shutdown(fd_, SHUT_WR); }

std::string request_text(const std::string& method, const std::string& path, const std::string& body,
                         const Headers& headers) {
  std::string text = method + " " + path + " HTTP/1.1\r\n";
  const auto given = [&](const char* name) {
    return std::ranges::any_of(headers, [&](const auto& h) { return h.first == name; });
  };
  if (!given("Host")) text += "Host: localhost\r\n";
  if (!body.empty() && !given("Content-Length") && !given("Transfer-Encoding"))
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + body;
}

std::vector<std::string> events_of(const std::string& body) {
  std::vector<std::string> events;
  std::istringstream in(body);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("data: ")) events.push_back(line.substr(6));
  return events;
}

}  // namespace longhand::test
