#include "cli/serve/request_log.h"

#include "cli/serve/api/json.h"
#include "cli/terminal/local_time.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

double rate(int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; }

std::string text_line(const LoggedRequest& request, const RequestNote& note, const std::string& time) {
  std::string line = fmt::format("{} {} {} {} {:.2f} s", time, request.method, request.path, request.status,
                                 request.seconds);
  if (note.answers > 0) {
    line += fmt::format(", read {} of {} tokens at {:.0f}/s, wrote {} at {:.1f}/s: {}",
                        note.prompt_tokens - note.cached_tokens, note.prompt_tokens,
                        rate(note.prompt_tokens - note.cached_tokens, note.prompt_seconds),
                        note.written_tokens, rate(note.written_tokens, note.write_seconds), note.end);
  }
  return line + (note.left ? ", the client left\n" : "\n");
}

std::string json_line(const LoggedRequest& request, const RequestNote& note, const std::string& time) {
  Json line = {{"time", time},         {"client", request.client}, {"method", request.method},
               {"path", request.path}, {"status", request.status}, {"seconds", request.seconds}};
  if (note.answers > 0) {
    line["answers"] = note.answers;
    line["prompt_tokens"] = note.prompt_tokens;
    line["cached_tokens"] = note.cached_tokens;
    line["written_tokens"] = note.written_tokens;
    line["prompt_seconds"] = note.prompt_seconds;
    line["write_seconds"] = note.write_seconds;
    line["end"] = note.end;
  }
  if (note.left) line["left"] = true;
  return dump(line) + "\n";
}

}  // namespace

std::string log_line(LogFormat format, const LoggedRequest& request, const RequestNote& note,
                     std::chrono::system_clock::time_point now) {
  if (format == LogFormat::none) return "";
  LoggedRequest shown = request;
  shown.path = escape_controls(request.path, 120);
  if (format == LogFormat::json) return json_line(shown, note, utc_time(now));
  return text_line(shown, note, local_time(now, "%H:%M:%S"));
}

}  // namespace longhand::cli
