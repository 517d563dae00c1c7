// A client that speaks HTTP with as little as that takes, and can be rude.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace longhand::test {

struct Reply {
  int status = 0;                              // 0: the server closed the connection without a word
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
};

/// A connection to a port of this machine.
class Connected {
 public:
  explicit Connected(int port);
  ~Connected();
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

  /// As much as the server takes.
  void send(const std::string& bytes);
  /// Reads until `text` has come; false where the connection ends first, or nothing comes for half a minute.
  bool read_until(const std::string& text);
  bool starts_with(const std::string& text) const { return held_.starts_with(text); }
  /// A whole reply.
  Reply read_reply(bool head = false);
  /// Everything until the server closes.
  std::string read_all();
  void half_close();

 private:
  bool read_some();
  std::string take(std::size_t n);

  int fd_;
  std::string held_;
};

using Headers = std::vector<std::pair<std::string, std::string>>;
std::string request_text(const std::string& method, const std::string& path, const std::string& body = "",
                         const Headers& headers = {});

/// The data of server-sent events.
std::vector<std::string> events_of(const std::string& body);

}  // namespace longhand::test
