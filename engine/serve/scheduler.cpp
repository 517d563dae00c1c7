// Requests taken and told about; what becomes of them is in scheduling.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "engine/api/session_impl.h"
#include "engine/serve/scheduler_impl.h"
#include "engine/types/memory_errors.h"
#include "engine/types/options.h"
#include "ops/host/machine.h"

namespace longhand {
namespace {

std::uint64_t cache_bytes(const SchedulerOptions& options) {
  if (options.cache_mib < 0) return available_memory() / 4;
  return std::uint64_t(options.cache_mib) << 20;
}

// A request remembers the same of its text whoever else is answered and however fast the machine is: none is
// shortened for its speed.
SessionOptions of_requests(SessionOptions options) {
  options.min_speed = 0;
  return options;
}

}  // namespace

Scheduler::Impl::Impl(const Model& m, const SchedulerOptions& o)
    : model(m),
      options(o),
      session_options(of_requests(o.session)),
      runner(m, runner_options(o.session)),
      budget(o.latency, o.session.batch) {
  check_options(kSchedulerOptions, o);
  check_options(kDiskCacheOptions, o.disk);
  Session first(runner, session_options);
  const Sequence& sequence = Access::impl(first)->sequence;
  adaptation = sequence.adaptation;
  forgets = !sequence.states.can_cut();
  context = session_options.context = first.context();
  context_was_cut = first.context_was_cut();
  pool.emplace(runner, session_options, cache_bytes(o));
  active.reserve(std::size_t(o.parallel));
  looked_at.reserve(std::size_t(o.parallel) + std::size_t(o.queue));
  if (!o.disk.folder.empty()) {
    const SessionSizes& sizes = sequence.sizes;
    disk = std::make_unique<DiskCache>(DiskCacheSetup{
        .options = o.disk,
        .owner = state_owner(model_data(model), session_options, sizes.plan, context, sizes.batch, nullptr),
        .forgets = forgets,
        .note = o.note,
        .on_fetched = [this] { wake_up(); }});
  }
  told.slots.resize(std::size_t(o.parallel));
  told.context = context;
  thread = std::jthread([this](const std::stop_token& stop) { live(stop); });
}

Scheduler::Impl::~Impl() {
  thread.request_stop();
  thread.join();
}

void Scheduler::Impl::wake_up() noexcept {
  const std::scoped_lock lock(mutex);
  news = true;
  wake.notify_one();
}

void Scheduler::Impl::check(const Request& request) const {
  const std::vector<Token>& prompt = request.prompt;
  if (prompt.empty()) throw Error(Errc::range, "a request has no tokens; at least one is needed");
  check_tokens(prompt, model_data(model).config.vocab);
  if (prompt.size() > std::size_t(context))
    throw Error(Errc::context_full, fmt::format("a prompt of {} tokens does not fit: the context holds {}",
                                                prompt.size(), context));
}

std::shared_ptr<const Adaptation> Scheduler::Impl::adaptation_of(const Request& request) const {
  if (!request.adapters) return adaptation;
  return make_adaptation(model_data(model), *request.adapters, options.session.control_vectors);
}

std::uint64_t Scheduler::Impl::submit(Request request, RequestListener listener) {
  check(request);
  std::shared_ptr<const Adaptation> with = adaptation_of(request);
  request.sampler.accept(request.prompt);
  const std::scoped_lock lock(mutex);
  // Many requests share one, and with it the directions of control vectors.
  if (same(with.get(), adaptation.get())) with = adaptation;
  if (same(with.get(), last_adaptation.get())) with = last_adaptation;
  last_adaptation = with;
  if (closed) throw Error(Errc::busy, "no requests are taken any more");
  const auto free =
      std::size_t(options.parallel) - std::min(std::size_t(options.parallel), known.size() - waiting.size());
  if (waiting.size() >= std::size_t(options.queue) + free)
    throw Error(Errc::busy, fmt::format("{} requests wait already, as many as may", waiting.size()));
  const int priority = request.priority;
  const auto running =
      std::make_shared<Running>(last_number + 1, std::move(request), std::move(listener), std::move(with));
  known.reserve(known.size() + 1);
  const auto before = [](int p, const RunningPtr& other) { return p > other->request.priority; };
  waiting.insert(std::upper_bound(waiting.begin(), waiting.end(), priority, before), running);
  known.push_back(running);
  resting = false;
  news = true;
  wake.notify_one();
  return ++last_number;
}

Scheduler::Scheduler(const Model& model, const SchedulerOptions& options)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(model, options); })) {}
Scheduler::~Scheduler() = default;

std::uint64_t Scheduler::submit(Request request, RequestListener listener) {
  return translate_memory_errors([&] { return impl_->submit(std::move(request), std::move(listener)); });
}

void Scheduler::cancel(std::uint64_t request) noexcept {
  {
    const std::scoped_lock lock(impl_->mutex);
    for (const RunningPtr& running : impl_->known)
      if (running->number == request) running->cancelled = true;
  }
  impl_->wake_up();
}

void Scheduler::close() noexcept {
  const std::scoped_lock lock(impl_->mutex);
  impl_->closed = true;
}

bool Scheduler::wait_idle(std::chrono::milliseconds time) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->idle.wait_for(lock, time, [this] { return impl_->resting; });
}

SchedulerStatus Scheduler::status() const {
  const std::scoped_lock lock(impl_->mutex);
  SchedulerStatus status = impl_->told;
  status.waiting = int(impl_->waiting.size());
  return status;
}

int Scheduler::context() const noexcept { return impl_->context; }
bool Scheduler::context_was_cut() const noexcept { return impl_->context_was_cut; }
const Model& Scheduler::model() const noexcept { return impl_->model; }

}  // namespace longhand
