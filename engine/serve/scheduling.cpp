// The scheduler's thread: who is taken from the queue, what each pass holds, and how answers end.
#include <algorithm>
#include <iterator>

#include "engine/api/session_impl.h"
#include "engine/serve/scheduler_impl.h"

namespace longhand {
namespace {

using Clock = Running::Clock;

// So many tokens more that another request is about to read are worth waiting for.
constexpr int kWorthWaiting = kDecodeTokens;

// What forgets keeps a checkpoint so many tokens before the end of a prompt. The next turn of a conversation
// often differs there, in what a template writes before an answer.
constexpr int kTail = 2 * kDecodeTokens;

// How often it is looked whether a disk still makes requests wait.
constexpr std::chrono::milliseconds kGlance{500};

void keep_checkpoint(Running& running) {
  Session& session = *running.session;
  Access::impl(session)->sequence.states.keep(session.size(), true);
}

}  // namespace

void Scheduler::Impl::live(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex);
      resting = known.empty();
      if (resting) idle.notify_all();
      const auto ready = [this] { return news || !active.empty(); };
      if (waiting.empty()) {
        wake.wait(lock, stop, ready);
      } else {
        wake.wait_for(lock, stop, kGlance, ready);  // for the disk, which may hang
      }
      news = false;
    }
    end_cancelled();
    admit();
    step();
  }
  {
    const std::scoped_lock lock(mutex);
    closed = true;
    for (const RunningPtr& running : known) running->cancelled = true;
  }
  end_cancelled();
}

void Scheduler::Impl::end_cancelled() {
  {
    const std::scoped_lock lock(mutex);
    std::ranges::copy_if(known, std::back_inserter(looked_at),
                         [](const RunningPtr& r) { return r->cancelled.load(); });
  }
  for (const RunningPtr& running : looked_at) {
    running->end(StopReason::cancelled);
    leave(running);
  }
  looked_at.clear();
}

// The first in the queue that has nothing to gain from waiting.
RunningPtr Scheduler::Impl::next_waiting() {
  {
    const std::scoped_lock lock(mutex);
    looked_at.assign(waiting.begin(), waiting.end());
  }
  if (looked_at.empty()) return nullptr;
  for (const RunningPtr& other : active) other->stop_guessing();  // whoever comes may go on from their texts
  const auto next = std::ranges::find_if(
      looked_at, [this](const RunningPtr& r) { return !better_later(*r) && !fetching(*r); });
  const RunningPtr found = next == looked_at.end() ? nullptr : *next;
  looked_at.clear();
  return found;
}

// Tokens of a prompt that need not be computed.
int Scheduler::Impl::saved_by_memory(const Running& running) {
  const WantedText wanted{running.request.prompt, running.adaptation};
  int most = pool->best(wanted);
  for (const RunningPtr& other : active) most = std::max(most, TextCache::saves(*other->session, wanted));
  return most;
}

// Whether as many texts from the disk are in memory, or on their way there, as requests can begin: a queue
// may be long, and each text takes the memory of a session.
bool Scheduler::Impl::enough_fetched() const {
  const auto fetched =
      std::ranges::count_if(looked_at, [](const RunningPtr& r) { return r->fetched != nullptr; });
  return std::size_t(fetched) + active.size() >= std::size_t(options.parallel);
}

// Whether what the disk has of a prompt is still on its way, or cannot be brought yet.
bool Scheduler::Impl::fetching(Running& running) {
  if (!disk) return false;
  if (running.fetched) {
    if (running.fetched->ready || !disk->hangs()) return !running.fetched->ready;
    running.fetched.reset();
    return false;
  }
  if (running.asked_disk) return false;
  try {
    const WantedText wanted{running.request.prompt, running.adaptation};
    const auto found = disk->find(wanted, saved_by_memory(running) + kWorthWaiting);
    if (found && (found->being_read || enough_fetched())) return true;
    running.asked_disk = true;
    if (!found) return false;
    running.fetched = disk->fetch(found->path, pool->empty(running.adaptation));
    return true;
  } catch (const std::exception&) { return false; }  // memory is short
}

// Whether a request that is reading now will soon hold more of the prompt than anybody does.
bool Scheduler::Impl::better_later(const Running& running) {
  const std::vector<Token>& prompt = running.request.prompt;
  int later = 0;
  for (const RunningPtr& other : active) {
    if (!other->reading() || !same(other->adaptation.get(), running.adaptation.get())) continue;
    const std::vector<Token>& theirs = other->request.prompt;
    const int shared = int(std::ranges::mismatch(theirs, prompt).in1 - theirs.begin());
    if (shared > other->session->size()) later = std::max(later, shared);
  }
  if (later < kWorthWaiting) return false;  // most often, and without a look at all that is kept
  return later >= saved_by_memory(running) + kWorthWaiting;
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
    const std::shared_ptr<DiskText> fetched = std::move(running->fetched);
    if (fetched && fetched->session) in_use.push_back(&*fetched->session);
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

void Scheduler::Impl::step() {
  if (active.empty()) return;
  try {
    if (active.size() == 1 && active[0]->guesses()) return step_alone();
    step_together();
  } catch (...) { give_way(); }
}

// One pass for all.
void Scheduler::Impl::step_together() {
  std::vector<int> wanted;
  for (const RunningPtr& running : active)
    wanted.push_back(running->reading() ? int(running->wanted().size()) : 0);
  const int writing = int(std::ranges::count(wanted, 0));
  std::vector<int> shares = share_evenly(wanted, budget.prompt_tokens(writing));
  for (std::size_t i = 0; i < shares.size(); ++i)
    shares[i] = wanted[i] == 0 ? 1 : part_of(*active[i], shares[i]);
  const auto start = Clock::now();
  run_pass(shares);
  int all = 0;
  for (const int share : shares) all += share;
  budget.note(all - writing, writing, std::chrono::duration<double>(Clock::now() - start).count());
}

// With guesses at what its answer will be.
void Scheduler::Impl::step_alone() {
  const RunningPtr running = active[0];
  const bool goes_on = running->go_on_alone(
      [this](const Session& session, const SpeculationOptions& how) { return guesses_for(session, how); });
  if (goes_on && !running->guesses()) draft.reset();  // memory is too short for it
  {
    const std::scoped_lock lock(mutex);
    ++told.passes;
    publish();
  }
  if (!goes_on) leave(running);
}

// A draft model reads what its session does not hold of a text, whoever's it is, and no two requests are
// alone at a time: so there is one, which takes its memory once.
std::shared_ptr<Speculation> Scheduler::Impl::guesses_for(const Session& session,
                                                          const SpeculationOptions& how) {
  const auto make = [&] { return std::make_shared<Speculation>(session, session_options, how); };
  if (!how.draft) return make();
  const auto fits = [&](const SpeculationOptions& other) {
    return &model_data(*other.draft) == &model_data(*how.draft) && other.most == how.most &&
           other.adapt == how.adapt && other.mtp == how.mtp;
  };
  if (!draft || !fits(draft->how)) {
    draft.reset();
    draft = Draft{how, make()};
  }
  return draft->guesses;
}

// What failed is being handled. Memory, most likely: the youngest gives way to the others.
void Scheduler::Impl::give_way() {
  const RunningPtr last = active.back();
  last->end(StopReason::callback, std::current_exception());
  leave(last);
  draft.reset();
  if (disk) disk->forget_waiting();
  while (pool->forget_one()) {}
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
  std::vector<RunningPtr> ready, failed;  // once all hold what was fed, nothing may fail but one of them
  ready.reserve(shares.size());
  failed.reserve(shares.size());
  runner.run(feeds);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] == 0) continue;
    if (!active[i]->was_fed(shares[i])) {
      failed.push_back(active[i]);
    } else if (!active[i]->reading()) {
      ready.push_back(active[i]);
    }
  }
  {
    const std::scoped_lock lock(mutex);
    ++told.passes;
    publish();
  }
  for (const RunningPtr& running : failed) leave(running);
  for (const RunningPtr& running : ready)
    if (!running->draw()) leave(running);
}

// A request has ended: what its session holds is kept, and its slot is free.
void Scheduler::Impl::leave(const RunningPtr& running) {
  std::erase(active, running);
  const RequestResult& result = running->result();
  if (running->session && !result.error) {
    if (disk) disk->save(*running->session, result.prompt_tokens - 1);
    pool->give(std::move(*running->session));
  }
  running->session.reset();
  {
    const std::scoped_lock lock(mutex);
    news = true;
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

}  // namespace longhand
