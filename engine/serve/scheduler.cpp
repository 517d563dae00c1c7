// Requests computed together: who is taken from the queue, what each pass holds, and how answers end.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/api/session_impl.h"
#include "engine/serve/pass_plan.h"
#include "engine/serve/running.h"
#include "engine/serve/text_cache.h"
#include "engine/types/memory_errors.h"
#include "engine/types/options.h"
#include "ops/machine.h"

namespace longhand {
namespace {

using Clock = Running::Clock;
using RunningPtr = std::shared_ptr<Running>;

// So many tokens more that another request is about to read are worth waiting for.
constexpr int kWorthWaiting = kDecodeTokens;

// What forgets keeps a checkpoint so many tokens before the end of a prompt. The next turn of a conversation
// often differs there, in what a template writes before an answer.
constexpr int kTail = 2 * kDecodeTokens;

std::uint64_t cache_bytes(const SchedulerOptions& options) {
  if (options.cache_mib < 0) return available_memory() / 4;
  return std::uint64_t(options.cache_mib) << 20;
}

void keep_checkpoint(Running& running) {
  Session& session = *running.session;
  Access::impl(session)->sequence.states.keep(session.size(), true);
}

}  // namespace

struct Scheduler::Impl {
  Impl(const Model& model, const SchedulerOptions& options);
  ~Impl();

  std::uint64_t submit(Request request, RequestListener listener);
  void check(const Request& request) const;
  std::shared_ptr<const Adaptation> adaptation_of(const Request& request) const;

  // In the scheduler's thread:
  void live(const std::stop_token& stop);
  void admit();
  RunningPtr next_waiting();
  bool better_later(const Running& running);
  int part_of(const Running& running, int share) const;
  void begin(const RunningPtr& running);
  void end_cancelled();
  void step();
  void run_pass(std::span<const int> shares);
  void leave(const RunningPtr& running);
  void publish();  // under the mutex

  Model model;
  const SchedulerOptions options;
  Runner runner;
  std::shared_ptr<const Adaptation> adaptation;  // of requests that name none
  int context = 0;
  bool context_was_cut = false;
  bool forgets = false;  // what sessions hold of a text cannot go back everywhere
  std::optional<TextCache> pool;
  PassBudget budget;
  std::vector<RunningPtr> active;  // oldest first

  mutable std::mutex mutex;  // of all that follows
  mutable std::condition_variable_any wake, idle;
  std::vector<RunningPtr> waiting;  // by priority, then age
  std::vector<RunningPtr> known;    // waiting or active
  std::uint64_t last_number = 0;
  std::shared_ptr<const Adaptation> last_adaptation;  // of the request taken last
  bool closed = false;
  bool resting = true;  // all that were taken have been told their end
  SchedulerStatus told;

  std::jthread thread;  // last: ends before what it uses
};

Scheduler::Impl::Impl(const Model& m, const SchedulerOptions& o)
    : model(m), options(o), runner(m, runner_options(o.session)), budget(o.latency, o.session.batch) {
  check_options(kSchedulerOptions, o);
  SessionOptions session = o.session;
  Session first(runner, session);
  adaptation = Access::impl(first)->sequence.adaptation;
  forgets = !Access::impl(first)->sequence.states.can_cut();
  context = session.context = first.context();
  context_was_cut = first.context_was_cut();
  pool.emplace(runner, session, cache_bytes(o));
  told.slots.resize(std::size_t(o.parallel));
  told.context = context;
  thread = std::jthread([this](const std::stop_token& stop) { live(stop); });
}

Scheduler::Impl::~Impl() {
  thread.request_stop();
  thread.join();
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
  wake.notify_one();
  return ++last_number;
}

void Scheduler::Impl::live(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex);
      resting = known.empty();
      if (resting) idle.notify_all();
      wake.wait(lock, stop, [this] { return !known.empty(); });
    }
    end_cancelled();
    admit();
    step();
  }
  const std::vector<RunningPtr> left = [this] {
    const std::scoped_lock lock(mutex);
    closed = true;
    return known;
  }();
  for (const RunningPtr& running : left) running->cancelled = true;
  end_cancelled();
}

void Scheduler::Impl::end_cancelled() {
  std::vector<RunningPtr> gone;
  {
    const std::scoped_lock lock(mutex);
    std::ranges::copy_if(known, std::back_inserter(gone),
                         [](const RunningPtr& r) { return r->cancelled.load(); });
  }
  for (const RunningPtr& running : gone) {
    running->end(StopReason::cancelled);
    leave(running);
  }
}

// The first in the queue that has nothing to gain from waiting.
RunningPtr Scheduler::Impl::next_waiting() {
  std::vector<RunningPtr> queue;
  {
    const std::scoped_lock lock(mutex);
    queue = waiting;
  }
  for (const RunningPtr& running : queue)
    if (!better_later(*running)) return running;
  return nullptr;
}

// Whether a request that is reading now will soon hold more of the prompt than anybody does.
bool Scheduler::Impl::better_later(const Running& running) {
  const std::vector<Token>& prompt = running.request.prompt;
  const WantedText wanted{prompt, running.adaptation};
  int later = 0;
  for (const RunningPtr& other : active) {
    if (!other->reading() || !same(other->adaptation.get(), running.adaptation.get())) continue;
    const std::vector<Token>& theirs = other->request.prompt;
    const int shared = int(std::ranges::mismatch(theirs, prompt).in1 - theirs.begin());
    if (shared > other->session->size()) later = std::max(later, shared);
  }
  if (later < kWorthWaiting) return false;  // most often, and without a look at all that is kept
  int now = pool->best(wanted);
  for (const RunningPtr& other : active) now = std::max(now, TextCache::saves(*other->session, wanted));
  return later >= now + kWorthWaiting;
}

void Scheduler::Impl::admit() {
  while (active.size() < std::size_t(options.parallel)) {
    const RunningPtr running = next_waiting();
    if (!running) return;
    {
      const std::scoped_lock lock(mutex);
      std::erase(waiting, running);
    }
    begin(running);
  }
}

void Scheduler::Impl::begin(const RunningPtr& running) {
  try {
    std::vector<Session*> in_use;
    for (const RunningPtr& other : active) in_use.push_back(&*other->session);
    Beginning start = pool->take({running->request.prompt, running->adaptation}, in_use);
    running->begin(std::move(start.session), start.cached);
    keep_checkpoint(*running);
    active.push_back(running);
  } catch (...) {
    running->end(StopReason::callback, std::current_exception());
    return leave(running);
  }
  if (!running->reading() && !running->draw()) leave(running);  // all of it was there
}

// Of a prompt, of which up to `share` tokens may be read, so that a part ends where the checkpoint is to be.
int Scheduler::Impl::part_of(const Running& running, int share) const {
  const int left = int(running.wanted().size());
  return forgets && left > kTail && left - share < kTail ? left - kTail : share;
}

// One pass for all.
void Scheduler::Impl::step() {
  if (active.empty()) return;
  std::vector<int> wanted;
  for (const RunningPtr& running : active)
    wanted.push_back(running->reading() ? int(running->wanted().size()) : 0);
  const int writing = int(std::ranges::count(wanted, 0));
  std::vector<int> shares = share_evenly(wanted, budget.prompt_tokens(writing));
  for (std::size_t i = 0; i < shares.size(); ++i)
    shares[i] = wanted[i] == 0 ? 1 : part_of(*active[i], shares[i]);
  const auto start = Clock::now();
  try {
    run_pass(shares);
  } catch (...) {
    // Memory, most likely: the youngest gives way to the others.
    const RunningPtr last = active.back();
    last->end(StopReason::callback, std::current_exception());
    leave(last);
    while (pool->forget_one()) {}
    return;
  }
  int all = 0;
  for (const int share : shares) all += share;
  budget.note(all - writing, writing, std::chrono::duration<double>(Clock::now() - start).count());
}

void Scheduler::Impl::run_pass(std::span<const int> shares) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (shares[i] > 0) order.push_back(i);
  // Those with few tokens first: then all of them fit into one pass.
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return shares[i]; });
  std::vector<Runner::Feed> feeds;
  for (const std::size_t i : order) {
    const std::span<const Token> wanted = active[i]->wanted();
    const auto n = std::size_t(shares[i]);
    if (forgets && wanted.size() == kTail) keep_checkpoint(*active[i]);
    feeds.push_back({*active[i]->session, wanted.first(n), false, n < wanted.size()});
  }
  runner.run(feeds);
  std::vector<RunningPtr> ready;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] == 0) continue;
    active[i]->was_fed(shares[i]);
    if (!active[i]->reading()) ready.push_back(active[i]);
  }
  {
    const std::scoped_lock lock(mutex);
    ++told.passes;
    publish();
  }
  for (const RunningPtr& running : ready)
    if (!running->draw()) leave(running);
}

// A request has ended: what its session holds is kept, and its slot is free.
void Scheduler::Impl::leave(const RunningPtr& running) {
  std::erase(active, running);
  const RequestResult& result = running->result();
  if (running->session && !result.error) pool->give(std::move(*running->session));
  running->session.reset();
  {
    const std::scoped_lock lock(mutex);
    std::erase(waiting, running);
    std::erase(known, running);
    ++told.requests;
    told.prompt_tokens += std::uint64_t(result.prompt_tokens);
    told.cached_tokens += std::uint64_t(result.cached_tokens);
    told.written_tokens += std::uint64_t(result.written_tokens);
    told.prompt_seconds += result.prompt_seconds;
    told.write_seconds += result.write_seconds;
    publish();
  }
  running->tell_end();
}

void Scheduler::Impl::publish() {
  for (std::size_t i = 0; i < told.slots.size(); ++i)
    told.slots[i] = i < active.size() ? active[i]->slot() : SchedulerStatus::Slot{};
  told.kept_texts = pool->count();
  told.kept_bytes = pool->bytes();
}

Scheduler::Scheduler(const Model& model, const SchedulerOptions& options)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(model, options); })) {}
Scheduler::~Scheduler() = default;

std::uint64_t Scheduler::submit(Request request, RequestListener listener) {
  return translate_memory_errors([&] { return impl_->submit(std::move(request), std::move(listener)); });
}

void Scheduler::cancel(std::uint64_t request) noexcept {
  const std::scoped_lock lock(impl_->mutex);
  for (const RunningPtr& running : impl_->known)
    if (running->number == request) running->cancelled = true;
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
