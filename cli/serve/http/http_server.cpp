#include "cli/serve/http/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "cli/serve/http/connection.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// Paths longer than any that is served; longer ones never reach the library's regular expressions.
constexpr std::size_t kLongestPath = 256;
// Requests of one connection, as clients are told; there is no limit.
constexpr std::size_t kRequestsTold = 100'000;

std::string address_of(int socket) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&from), &size) != 0) return "";
  if (from.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(from).sin_addr, text, sizeof text);
  if (from.ss_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6&>(from).sin6_addr, text, sizeof text);
  return *text == '\0' ? "local" : text;
}

std::string error_text(std::string_view why) {
  return fmt::format("{{\"error\":{{\"message\":\"{}\",\"type\":\"invalid_request_error\"}}}}", why);
}

// What a handler asks of the connection, through a function that the library itself tells of bytes read.
enum Ask : std::uint64_t { is_alive = UINT64_MAX - 1, close_after_reply };

// A connection as the library wants it.
class LibraryStream : public httplib::Stream {
 public:
  explicit LibraryStream(Connection& connection)
      : connection_(connection), client_(address_of(connection.socket())) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override { return connection_.read(to, size); }
  ssize_t write(const char* from, std::size_t size) override {
    // What the library says of a request that was too long or too slow is said better afterwards.
    if (connection_.failure() != Connection::Failure::none) return ssize_t(size);
    return connection_.write(from, size) ? ssize_t(size) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip = client_, port = 0; }
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.socket(); }

 private:
  Connection& connection_;
  std::string client_;
};

// A body and its part of the bytes that all bodies may have together.
class Body {
 public:
  Body(std::atomic<std::size_t>& all, std::size_t most) : all_(all), most_(most) {}
  ~Body() { all_ -= counted_; }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  /// False: there are too many.
  bool add(const char* data, std::size_t size) {
    counted_ += size;
    if ((all_ += size) > most_) return false;
    text.append(data, size);
    return true;
  }

  std::string text;

 private:
  std::atomic<std::size_t>& all_;
  const std::size_t most_;
  std::size_t counted_ = 0;
};

// Request parsing and response writing of the library, without its sockets and threads.
class Library : public httplib::Server {
 public:
  Library(HttpServer::Handler handler, const HttpLimits& limits)
      : handler_(std::move(handler)), limits_(limits) {
    svr_sock_ = 0;  // replies are written only while the library believes that it listens
    set_payload_max_length(limits.body_bytes);
    set_keep_alive_timeout(limits.idle_time.count() / 1000);  // what it tells clients
    set_keep_alive_max_count(kRequestsTold);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (const auto refusal = handler_.refuse(asked_of(request))) {
        if (has_body(request)) request.progress(close_after_reply, 0);
        write_reply(response, *refusal);
        return HandlerResponse::Handled;
      }
      if (length_of(request) > limits_.body_bytes) {
        refuse_body(request, response, 413);
        return HandlerResponse::Handled;
      }
      if (request.method == "POST" && request.path.size() <= kLongestPath) return HandlerResponse::Unhandled;
      // A body is not read here, and must not be taken for the next request.
      if (has_body(request)) request.progress(close_after_reply, 0);
      reply(request, response, nullptr);
      return HandlerResponse::Handled;
    });
    Post(".*", [this](const httplib::Request& request, httplib::Response& response,
                      const httplib::ContentReader& read) { post(request, response, read); });
  }

  /// Answers requests of one client until it leaves, or `stopping`.
  void serve(Connection& connection, const std::atomic<bool>& stopping) {
    LibraryStream stream(connection);
    bool closed = false, begun = false;
    const auto begin = [&](httplib::Request& request) {
      begun = true;
      connection.headers_end();
      // Without a length there is no body; the library would read until the connection ends.
      if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
        request.set_header("Content-Length", "0");
      for (const char* unwanted : {"Accept-Encoding", "Range"}) request.headers.erase(unwanted);
      request.ranges.clear();
      request.progress = [&](std::uint64_t ask, std::uint64_t) {
        closed = closed || ask == close_after_reply;
        return ask != is_alive || stopping || connection.alive();
      };
    };
    while (!stopping && !closed && connection.wait_request()) {
      bool asked_to_close = false;
      begun = false;
      if (!process_request(stream, stopping, asked_to_close, begin) || asked_to_close) break;
      if (!begun) break;  // what it sends is no HTTP
    }
    refuse(connection);
  }

 private:
  // What the library answers with silence.
  static void refuse(Connection& connection) {
    constexpr std::pair<const char*, const char*> kAnswers[] = {
        {},
        {"431 Request Header Fields Too Large", "the headers are too long"},
        {"408 Request Timeout", "the request took too long"}};
    const auto& [status, why] = kAnswers[std::size_t(connection.failure())];
    if (status == nullptr) return;
    const std::string body = error_text(why);
    const std::string text = fmt::format(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        status, body.size(), body);
    connection.write(text.data(), text.size());
  }

  void post(const httplib::Request& request, httplib::Response& response,
            const httplib::ContentReader& read) {
    const auto body = std::make_shared<Body>(all_bodies_, limits_.all_bodies_bytes);
    int status = 400;
    const bool whole = read([&](const char* data, std::size_t size) {
      if (body->text.size() + size > limits_.body_bytes) {
        status = 413;
      } else if (!body->add(data, size)) {
        status = 503;
      } else {
        return true;
      }
      return false;
    });
    if (whole) return reply(request, response, body);
    refuse_body(request, response, status);
  }

  // As the client claims; what is no number is more than any.
  static std::uint64_t length_of(const httplib::Request& request) {
    const std::string text = request.get_header_value("Content-Length");
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    return text.empty() || (error == std::errc() && end == text.data() + text.size()) ? length : UINT64_MAX;
  }

  void refuse_body(const httplib::Request& request, httplib::Response& response, int status) const {
    request.progress(close_after_reply, 0);
    const std::string why =
        status == 413   ? fmt::format("the body is longer than {} bytes", limits_.body_bytes)
        : status == 503 ? fmt::format("requests under way have {} bytes together, as many as they may",
                                      limits_.all_bodies_bytes)
                        : "the body is not complete";
    if (status == 503) response.set_header("Retry-After", "1");
    response.status = status;
    response.set_content(error_text(why), "application/json");
  }

  static bool has_body(const httplib::Request& request) {
    return request.get_header_value("Content-Length") != "0" || request.has_header("Transfer-Encoding");
  }

  static HttpRequest asked_of(const httplib::Request& request) {
    return {.method = request.method,
            .path = request.path,
            .body = "",
            .client = request.remote_addr,
            .header = [&request](const std::string& name) { return request.get_header_value(name); },
            .alive = [&request] { return request.progress(is_alive, 0); }};
  }

  static void write_reply(httplib::Response& response, const HttpReply& reply) {
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (!reply.stream) response.set_content(reply.body, reply.type);
  }

  void reply(const httplib::Request& request, httplib::Response& response,
             const std::shared_ptr<Body>& body) const {
    HttpRequest asked = asked_of(request);
    if (body) asked.body = std::move(body->text);
    HttpReply reply = handler_.answer(asked);
    write_reply(response, reply);
    if (!reply.stream) return;
    // The body counts until the stream ends, which keeps the request.
    response.set_chunked_content_provider(
        reply.type, [write = std::move(reply.stream), body](std::size_t, httplib::DataSink& sink) {
          bool open = true;
          write([&](std::string_view text) { return open = open && sink.write(text.data(), text.size()); });
          if (open) sink.done();
          return open;
        });
  }

  const HttpServer::Handler handler_;
  const HttpLimits& limits_;
  std::atomic<std::size_t> all_bodies_{0};
};

}  // namespace

struct HttpServer::Impl {
  Impl(Listener l, HttpLimits bounds, Handler handler, std::shared_ptr<const TlsContext> with)
      : listener(std::move(l)),
        limits(bounds),
        tls(std::move(with)),
        library(std::move(handler), limits),
        wake(::eventfd(0, EFD_CLOEXEC)) {
    if (wake.get() < 0) throw Error(Errc::io, "no descriptors are left");
    accepting = std::thread([this] { accept_all(); });
  }

  void accept_all();
  void take(Descriptor socket);
  void serve(const Descriptor& socket);
  bool shut(int how, Clock::time_point until);

  Listener listener;
  const HttpLimits limits;
  const std::shared_ptr<const TlsContext> tls;
  Library library;
  Descriptor wake;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable gone;
  std::set<int> open;  // sockets of clients
  std::thread accepting;
};

void HttpServer::Impl::accept_all() {
  while (!stopping) {
    pollfd ready[] = {{listener.descriptor(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
    ::poll(ready, 2, -1);
    if (stopping) return;
    Descriptor socket(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.get() >= 0) {
      take(std::move(socket));
    } else if (errno != EINTR && errno != ECONNABORTED) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // descriptors or memory are short
    }
  }
}

void HttpServer::Impl::take(Descriptor socket) {
  const int fd = socket.get();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::scoped_lock lock(mutex);
  if (open.size() >= std::size_t(limits.connections)) {
    constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: "
        "close\r\n\r\n";
    if (!tls) ::send(fd, kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  try {
    open.insert(fd);
    std::thread([this, held = std::move(socket)] { serve(held); }).detach();
  } catch (const std::exception&) { open.erase(fd); }  // no threads are left
}

void HttpServer::Impl::serve(const Descriptor& socket) {
  try {
    Connection connection(socket.get(), limits, tls ? tls->session() : nullptr);
    library.serve(connection, stopping);
    connection.part();
  } catch (const std::exception&) {}  // of memory for this client there is none
  const std::scoped_lock lock(mutex);
  open.erase(socket.get());
  gone.notify_all();
}

bool HttpServer::Impl::shut(int how, Clock::time_point until) {
  std::unique_lock lock(mutex);
  for (const int fd : open) ::shutdown(fd, how);
  const auto none = [this] { return open.empty(); };
  if (until != Clock::time_point::max()) return gone.wait_until(lock, until, none);
  gone.wait(lock, none);
  return true;
}

HttpServer::HttpServer(Listener listener, HttpLimits limits, Handler handler,
                       std::shared_ptr<const TlsContext> tls)
    : impl_(std::make_unique<Impl>(std::move(listener), limits, std::move(handler), std::move(tls))) {}
HttpServer::~HttpServer() {
  stop(Clock::now());
  cut(Clock::time_point::max());
}

bool HttpServer::stop(Clock::time_point until) {
  if (!impl_->stopping.exchange(true)) {
    ::eventfd_write(impl_->wake.get(), 1);
    impl_->accepting.join();
  }
  // Those that wait for a request wait no longer; what is being written goes on.
  return impl_->shut(SHUT_RD, until);
}

bool HttpServer::cut(Clock::time_point until) { return impl_->shut(SHUT_RDWR, until); }

}  // namespace longhand::cli
