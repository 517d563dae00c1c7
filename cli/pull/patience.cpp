#include "cli/pull/patience.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr int kMostFailures = 6;                        // in a row
constexpr int kLongestPause = 30, kLongestAsked = 600;  // seconds

// What may be otherwise in a moment.
bool is_passing(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

std::string Patience::why(const WebReply& reply) const {
  if (reply.status == 429) return what_ + ": the server asks for fewer requests (status 429)";
  if (reply.status >= 400) return fmt::format("{}: the server answers with status {}", what_, reply.status);
  return fmt::format("{}: {}", what_, reply.problem.empty() ? "the answer is of no use" : reply.problem);
}

int Patience::seconds_after(const WebRequest& request, const WebReply& reply) {
  if (signal_waiting()) throw Error(Errc::cancelled, what_ + ": stopped");
  const int status = reply.status;
  if (status == 401 || status == 403)
    throw Error(Errc::io, fmt::format("{}: may not be read (status {}); {}", what_, status, denied_));
  if (status == 404 || status == 410)
    throw Error(Errc::missing, fmt::format("{}: there is no such thing at {}", what_, host_of(request.url)));
  if (status >= 400 && !is_passing(status)) throw Error(Errc::io, why(reply));
  if (reply.end == HttpEnd::unreachable && !heard_)
    throw Error(Errc::io, fmt::format("{}: cannot reach {}: {}; is there a network?", what_,
                                      host_of(request.url), reply.problem));
  const int failures = failures_++;
  if (failures_ >= kMostFailures)
    throw Error(Errc::io, fmt::format("{}, after {} tries", why(reply), failures_));
  if (reply.retry_after > kLongestAsked)
    throw Error(Errc::io, fmt::format("{}, and to come back in {} s", why(reply), reply.retry_after));
  if (reply.retry_after >= 0) return reply.retry_after;
  // A connection that was cut when something had come through it may be good at once.
  return status < 400 && heard_ && failures == 0 ? 0 : std::min(1 << failures, kLongestPause);
}

void Patience::sleep(int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!signal_waiting() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

std::string get_text(const WebRequest& request, const std::string& what, const std::string& denied,
                     std::size_t most) {
  Patience patience(what, denied);
  for (;;) {
    std::string text;
    const WebReply reply = http_get(request, [&](const WebReply&, std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return text.size() <= most;
    });
    if (text.size() > most)
      throw Error(Errc::limit, fmt::format("{}: the answer of {} has more than {} bytes", what,
                                           host_of(request.url), most));
    if (reply.end == HttpEnd::whole && reply.status == 200) return text;
    patience.wait(request, reply, print_note);
  }
}

}  // namespace longhand::cli
