// What the server is, and what it is doing: GET /health, /props, /slots and /metrics
#include <fmt/format.h>

#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/json.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

struct Metric {
  const char *name, *kind, *help;
  double value;
};

std::string metrics_text(const SchedulerStatus& status) {
  int busy = 0;
  for (const auto& slot : status.slots) busy += slot.request != 0;
  const Metric metrics[] = {
      {"requests_total", "counter", "Requests that have ended", double(status.requests)},
      {"prompt_tokens_total", "counter", "Tokens of prompts", double(status.prompt_tokens)},
      {"cached_tokens_total", "counter", "Tokens of prompts that were not read again",
       double(status.cached_tokens)},
      {"written_tokens_total", "counter", "Tokens of answers", double(status.written_tokens)},
      {"prompt_seconds_total", "counter", "Seconds that requests spent reading", status.prompt_seconds},
      {"write_seconds_total", "counter", "Seconds that requests spent writing", status.write_seconds},
      {"passes_total", "counter", "Passes through the model", double(status.passes)},
      {"requests_processing", "gauge", "Requests being answered", double(busy)},
      {"requests_deferred", "gauge", "Requests that wait", double(status.waiting)},
      {"cached_texts", "gauge", "Finished texts that are kept", double(status.kept_texts)},
      {"cached_bytes", "gauge", "Bytes of them", double(status.kept_bytes)},
  };
  std::string text;
  for (const Metric& m : metrics)
    text += fmt::format("# HELP longhand_{0} {1}\n# TYPE longhand_{0} {2}\nlonghand_{0} {3}\n", m.name,
                        m.help, m.kind, m.value);
  return text;
}

}  // namespace

HttpReply health(ServedModels&, const Call&) { return json_reply({{"status", "ok"}}); }

HttpReply props(Service& service, const Call&) {
  const ModelInfo info = service.model().info();
  Json reply = {{"default_generation_settings", {{"n_ctx", service.context()}}},
                {"total_slots", service.writes() ? service.scheduler().status().slots.size() : 1},
                {"model_alias", service.name()},
                {"model_path", service.options().path},
                {"architecture", info.architecture},
                {"trained_context", info.trained_context},
                {"build_info", fmt::format("longhand {}", version())}};
  if (service.writes()) reply["reasons"] = service.written().reasons();
  return json_reply(reply);
}

HttpReply slots(Service& service, const Call&) {
  const SchedulerStatus status = service.scheduler().status();
  Json reply = Json::array();
  for (std::size_t i = 0; i < status.slots.size(); ++i) {
    const SchedulerStatus::Slot& slot = status.slots[i];
    reply.push_back({{"id", i},
                     {"n_ctx", status.context},
                     {"is_processing", slot.request != 0},
                     {"id_task", slot.request},
                     {"n_prompt_tokens", slot.prompt_tokens},
                     {"n_prompt_tokens_processed", slot.read_tokens},
                     {"n_prompt_tokens_cache", slot.cached_tokens},
                     {"n_decoded", slot.written_tokens}});
  }
  return json_reply(reply);
}

HttpReply metrics(ServedModels& models, const Call&) {
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_text(models.status())};
}

}  // namespace longhand::cli
