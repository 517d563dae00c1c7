// The real server, with a small model, at a port of its own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tests/serve/client.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {

class Server {
 public:
  /// Of the guide model unless another is named; "-": none, `more` says which. Returns once it serves.
  explicit Server(Arguments more = {}, std::string model = "");
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const noexcept { return port_; }
  Reply request(const std::string& method, const std::string& path, const std::string& body = "",
                const Headers& headers = {}) const;
  Reply get(const std::string& path) const { return request("GET", path); }
  Reply post(const std::string& path, const nlohmann::json& body) const {
    return request("POST", path, body.dump());
  }
  /// Reads /metrics or whatever else until `done`, for half a minute at most.
  template <class Done>
  bool becomes(const Done& done) const;

  void signal(int number) const;
  /// Exit status as in ProcessResult; -1 if it does not end within half a minute.
  int wait();
  /// What it wrote on standard error so far.
  std::string log() const;

 private:
  TempDir folder_;
  pid_t process_ = -1;
  int status_ = -1;
  int port_ = 0;
};

template <class Done>
bool Server::becomes(const Done& done) const {
  for (int i = 0; i < 600; ++i) {
    if (done()) return true;
    ::usleep(50'000);
  }
  return false;
}

/// {"messages": [the user's one message]} and more.
nlohmann::json chat_body(const std::string& message, const nlohmann::json& more = nlohmann::json::object());
/// The text of the first choice.
std::string content_of(const Reply& reply);

}  // namespace longhand::test
