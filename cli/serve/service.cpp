#include "cli/serve/service.h"

#include <filesystem>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/json.h"
#include "cli/terminal/local_time.h"

namespace longhand::cli {

Service::Service(const Model& model, ServiceOptions options)
    : model_(model),
      options_(std::move(options)),
      adapters_(options_.scheduler.session.adapters, options_.adapter_paths),
      since_(now_seconds()) {
  if (options_.name.empty()) options_.name = std::filesystem::path(options_.path).stem().string();
  try {
    scheduler_.emplace(model_, options_.scheduler);
  } catch (const Error& error) {
    if (error.code() != Errc::unsupported) throw;
    embedder_.emplace(model_, options_.embed);
    return;
  }
  written();
  if (options_.speculation) {
    const SessionOptions& session = options_.scheduler.session;
    const Speculation trial(Session(model_, session), session, *options_.speculation);
  }
}

Service::Place::Place(Service& service) : service_(service) {
  const int most = service.options().scheduler.queue;
  if (++service_.embeds_ <= most + 1) return;
  --service_.embeds_;
  throw Error(Errc::busy, fmt::format("{} requests wait for vectors, as many as may", most));
}

Scheduler& Service::scheduler() {
  if (!scheduler_) throw ApiError(501, "this model makes vectors or scores of texts and writes none");
  return *scheduler_;
}

ChatTemplate Service::written() {
  scheduler();
  ChatTemplateOptions as = options_.written_as;
  as.now = local_time();
  const std::string today = as.now.substr(0, as.now.find('T'));
  const std::scoped_lock lock(writing_);
  if (today != today_) {
    written_.emplace(model_, as);
    today_ = today;
  }
  return *written_;
}

int Service::context() const noexcept { return scheduler_ ? scheduler_->context() : embedder_->context(); }

}  // namespace longhand::cli
