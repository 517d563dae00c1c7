// What a Scheduler is made of.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "engine/longhand_serve.h"
#include "engine/serve/disk_cache.h"
#include "engine/serve/pass_plan.h"
#include "engine/serve/running.h"
#include "engine/serve/text_cache.h"

namespace longhand {

using RunningPtr = std::shared_ptr<Running>;

struct Scheduler::Impl {
  Impl(const Model& model, const SchedulerOptions& options);
  ~Impl();

  std::uint64_t submit(Request request, RequestListener listener);
  void check(const Request& request) const;
  void wake_up() noexcept;
  std::shared_ptr<const Adaptation> adaptation_of(const Request& request) const;

  // In the scheduler's thread:
  void live(const std::stop_token& stop);
  void admit();
  RunningPtr next_waiting();
  bool better_later(const Running& running);
  int saved_by_memory(const Running& running);
  bool enough_fetched() const;
  bool fetching(Running& running);
  int part_of(const Running& running, int share) const;
  void begin(const RunningPtr& running);
  void end_cancelled();
  void step();
  void step_together();
  void step_alone();
  std::shared_ptr<Speculation> guesses_for(const Session& session, const SpeculationOptions& how);
  void give_way();
  void run_pass(std::span<const int> shares);
  void leave(const RunningPtr& running);
  void publish();  // under the mutex

  Model model;
  const SchedulerOptions options;
  SessionOptions session_options;  // of each request, which keeps all that it holds, however slow
  Runner runner;
  std::shared_ptr<const Adaptation> adaptation;  // of requests that name none
  int context = 0;
  bool context_was_cut = false;
  bool forgets = false;  // what sessions hold of a text cannot go back everywhere
  std::optional<TextCache> pool;
  PassBudget budget;
  struct Draft {
    SpeculationOptions how;
    std::shared_ptr<Speculation> guesses;
  };
  std::optional<Draft> draft;         // of the request that used one last; the next one goes on with it
  std::vector<RunningPtr> active;     // oldest first
  std::vector<RunningPtr> looked_at;  // by one function at a time; it has room for all, so that none can fail

  mutable std::mutex mutex;  // of all that follows
  mutable std::condition_variable_any wake, idle;
  std::vector<RunningPtr> waiting;  // by priority, then age
  std::vector<RunningPtr> known;    // waiting or active
  std::uint64_t last_number = 0;
  std::shared_ptr<const Adaptation> last_adaptation;  // of the request taken last
  bool closed = false;
  bool news = false;    // something to look at has changed though nothing is computed
  bool resting = true;  // all that were taken have been told their end
  SchedulerStatus told;

  std::unique_ptr<DiskCache> disk;  // null: none is wanted
  std::jthread thread;              // last: ends before what it uses
};

}  // namespace longhand
