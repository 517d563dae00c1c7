// One request to a web server, with its redirects followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace longhand::cli {

struct WebRequest {
  std::string url;
  std::string token;                 // sent to this host alone, not to those it redirects to; "": none
  std::vector<std::string> headers;  // "Accept: ..."
  std::int64_t from = 0;             // first byte wanted
};

enum class HttpEnd {
  whole,        // all of the answer has come, whatever its status
  cut,          // the connection was lost on the way, or stood still
  unreachable,  // there was none
  stopped,      // by a signal, or by whoever took the body
};

struct WebReply {
  HttpEnd end = HttpEnd::unreachable;
  std::string problem;      // with the connection, for people
  int status = 0;           // after all redirects
  std::string etag;         // with its quotes; "" where there is none, or a weak one
  std::string sha256;       // of the file, where a hub tells it in X-Linked-Etag
  std::int64_t first = 0;   // which byte of the file the body began with
  std::int64_t total = -1;  // bytes of the whole file; -1: not told
  int retry_after = -1;     // seconds; -1: not told
};

/// Gets the next bytes of a body whose status is 200 or 206; false stops.
using HttpBody = std::function<bool(const WebReply& so_far, std::span<const std::byte> bytes)>;

/// Sends GET and hands on the body as it comes. Signals of signals.h stop it. Throws Error (unsupported: a
/// program built without libcurl).
WebReply http_get(const WebRequest& request, const HttpBody& body);

/// The host of a URL, with its port; "" where it has none.
std::string host_of(const std::string& url);

/// The address in a variable of the environment, without slashes behind it; `usual` where there is none.
std::string server_of(const char* variable, const char* usual);

/// `text` as a part of a URL's path; slashes stay.
std::string url_path(std::string_view text);

}  // namespace longhand::cli
