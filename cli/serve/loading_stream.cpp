#include "cli/serve/loading_stream.h"

#include <atomic>
#include <chrono>
#include <future>
#include <utility>

#include "cli/serve/api/api_error.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

// How soon a client that leaves is noticed, and how often one that waits hears that we are there.
constexpr std::chrono::milliseconds kGlance{50}, kQuiet{10'000};

// Only this thread uses the connection.
std::shared_ptr<Service> load(const LoadingStream& steps, const HttpRequest& request, EventStream& events) {
  std::atomic<bool> alive{true};
  auto loading =
      std::async(std::launch::async, [&] { return steps.load([&alive] { return alive.load(); }); });
  events.keep_alive();
  auto heard = std::chrono::steady_clock::now();
  while (loading.wait_for(kGlance) != std::future_status::ready) {
    const auto now = std::chrono::steady_clock::now();
    if (now - heard > kQuiet) {
      events.keep_alive();
      heard = now;
    }
    if (!events.open() || !request.alive()) alive = false;
  }
  return loading.get();
}

void write(const LoadingStream& steps, const Call& call, const HttpSink& sink) {
  EventStream events(sink);
  try {
    const std::shared_ptr<Service> service = load(steps, call.request, events);
    if (const HttpReply reply = steps.answer(*service); reply.stream) reply.stream(sink);
  } catch (...) {
    call.note->end = "failed";
    events.send_text(error_event(call.request.path, api_error(std::current_exception())));
  }
}

}  // namespace

HttpReply stream_once_loaded(const Call& call, LoadingStream steps) {
  HttpReply reply = event_reply({});
  reply.stream = [call, steps = std::move(steps)](const HttpSink& sink) { write(steps, call, sink); };
  return reply;
}

}  // namespace longhand::cli
