// Server-sent events.
#pragma once

#include <string>
#include <string_view>

#include "cli/serve/api/json.h"
#include "cli/serve/http/http.h"

namespace longhand::cli {

/// Each call is false once the client has gone, and stays so.
class EventStream {
 public:
  explicit EventStream(const HttpSink& sink) : sink_(sink) {}

  bool send(const Json& data) { return send_text("data: " + dump(data) + "\n\n"); }
  bool send(std::string_view event, const Json& data) {
    return send_text(fmt::format("event: {}\ndata: {}\n\n", event, dump(data)));
  }
  bool send_text(std::string_view text) { return open_ = open_ && sink_(text); }
  /// Something that clients skip, so that nobody between takes the connection for dead.
  bool keep_alive() { return send_text(": waiting\n\n"); }
  bool open() const noexcept { return open_; }

 private:
  const HttpSink& sink_;
  bool open_ = true;
};

inline HttpReply event_reply(std::function<void(EventStream&)> write) {
  return {.type = "text/event-stream",
          .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}},
          .stream = [write = std::move(write)](const HttpSink& sink) {
            EventStream events(sink);
            write(events);
          }};
}

inline HttpReply json_reply(const Json& json) { return {.body = dump(json)}; }

}  // namespace longhand::cli
