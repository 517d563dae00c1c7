// A web server on this machine that does what a test says, also what servers should not do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace longhand::test {

struct WebRequest {
  std::string target;                          // "/a/b?c"
  std::map<std::string, std::string> headers;  // names in lower case
  std::int64_t from = -1;                      // first byte asked for; -1: no range
};

struct WebAnswer {
  int status = 200;
  std::vector<std::string> headers = {};  // "Location: ..."
  std::string body = {};
  std::int64_t cut_after = -1;   // bytes of the body after which the connection is closed; -1: never
  std::int64_t hold_after = -1;  // bytes of the body after which nothing comes any more
};

/// `body` as servers answer for a file: in part where a range is asked for.
WebAnswer file_answer(const WebRequest& request, const std::string& body);

/// Answers every request in a thread of its own; lives as long as the object.
class WebServer {
 public:
  using Handler = std::function<WebAnswer(const WebRequest&)>;
  explicit WebServer(Handler handler);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string url() const;
  /// All that were asked so far.
  std::vector<WebRequest> requests() const;

 private:
  void serve();
  void answer(int connection);

  Handler handler_;
  int socket_ = -1, port_ = 0;
  std::atomic<bool> ends_{false};
  mutable std::mutex mutex_;  // of requests_
  std::vector<WebRequest> requests_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace longhand::test
