#include "cli/pull/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <string_view>

#include "cli/lower_case.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/signals.h"

namespace longhand::cli {
namespace {

constexpr long kConnectSeconds = 20, kStillSeconds = 30;
constexpr long kMostRedirects = 10;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::int64_t number_or(std::string_view text, std::int64_t otherwise) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : otherwise;
}

// "bytes 100-199/200", or "bytes */200" of a range that is not in the file.
void read_range(std::string_view value, WebReply& reply) {
  if (!value.starts_with("bytes ")) return;
  value.remove_prefix(6);
  const auto slash = value.find('/');
  if (slash == std::string_view::npos) return;
  reply.total = number_or(value.substr(slash + 1), -1);
  reply.first = number_or(value.substr(0, value.find('-')), 0);
}

// One answer, filled in by what curl calls while it comes.
class Transfer {
 public:
  Transfer(const WebRequest& request, const HttpBody& body)
      : request_(request), body_(body), handle_(curl_easy_init()) {
    if (handle_ == nullptr) throw std::bad_alloc();
  }

  WebReply run() {
    set_up();
    const CURLcode code = curl_easy_perform(handle_.get());
    reply_.end = end_of(code);
    if (code != CURLE_OK) reply_.problem = curl_easy_strerror(code);
    return reply_;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  void set_up() {
    set(CURLOPT_URL, request_.url.c_str());
    const bool secret = request_.url.starts_with("https:");
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, secret ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kStillSeconds);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "longhand/" LONGHAND_VERSION);
    if (!request_.token.empty()) {
      set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      set(CURLOPT_XOAUTH2_BEARER, request_.token.c_str());
    }
    const std::string range = fmt::format("{}-", request_.from);
    if (request_.from > 0) set(CURLOPT_RANGE, range.c_str());  // curl keeps a copy
    for (const std::string& header : request_.headers)
      headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
  }

  static std::size_t on_header(char* text, std::size_t, std::size_t size, void* self) {
    reinterpret_cast<Transfer*>(self)->header({text, size});
    return size;
  }
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) {
    const std::span<const char> piece(bytes, size);
    return reinterpret_cast<Transfer*>(self)->take(std::as_bytes(piece)) ? size : 0;
  }
  static int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return signal_waiting() ? 1 : 0;
  }

  void header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // of the answer to the next redirect
      WebReply next;
      next.sha256 = std::move(reply_.sha256);
      reply_ = std::move(next);
      reply_.status =
          int(number_or(trim(line.substr(std::min(line.find(' '), line.size()))).substr(0, 3), 0));
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-range") read_range(value, reply_);
    if (name == "content-length" && reply_.total < 0 && reply_.status == 200)
      reply_.total = number_or(value, -1);
    if (name == "retry-after")
      reply_.retry_after = int(std::min<std::int64_t>(number_or(value, -1), 1 << 30));
    if (name == "etag" && value.starts_with('"')) reply_.etag = value;
    if (name == "x-linked-etag" && value.size() == 66 && is_sha256(value.substr(1, 64)))
      reply_.sha256 = value.substr(1, 64);
  }

  // The pages that come with refusals are for browsers.
  bool take(std::span<const std::byte> bytes) {
    return (reply_.status != 200 && reply_.status != 206) || body_(reply_, bytes);
  }

  HttpEnd end_of(CURLcode code) const {
    switch (code) {
      case CURLE_OK:
        return HttpEnd::whole;
      case CURLE_WRITE_ERROR:
      case CURLE_ABORTED_BY_CALLBACK:
        return HttpEnd::stopped;
      case CURLE_PARTIAL_FILE:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_GOT_NOTHING:
      case CURLE_HTTP2:
      case CURLE_HTTP2_STREAM:
        return HttpEnd::cut;
      case CURLE_OPERATION_TIMEDOUT:
        return reply_.status > 0 ? HttpEnd::cut : HttpEnd::unreachable;
      default:
        return HttpEnd::unreachable;
    }
  }

  const WebRequest& request_;
  const HttpBody& body_;
  WebReply reply_;
  std::unique_ptr<CURL, FreeHandle> handle_;
  std::unique_ptr<curl_slist, FreeList> headers_;
};

}  // namespace

WebReply http_get(const WebRequest& request, const HttpBody& body) { return Transfer(request, body).run(); }

}  // namespace longhand::cli
