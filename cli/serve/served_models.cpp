#include "cli/serve/served_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/models/model_names.h"
#include "cli/serve/api/api_error.h"
#include "cli/terminal/output.h"
#include "cli/terminal/units.h"

namespace longhand::cli {
namespace {

// How often one that waits looks whether its client is still there.
constexpr std::chrono::milliseconds kGlance{50};
// So long is a model not tried again that failed.
constexpr std::chrono::seconds kRespite{30};
// So long may others go first.
constexpr std::chrono::seconds kTurn{2};

std::filesystem::file_time_type time_of(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::last_write_time(file, ignored);
}

void add_counted(SchedulerStatus& sum, const SchedulerStatus& more) {
  sum.requests += more.requests;
  sum.prompt_tokens += more.prompt_tokens;
  sum.cached_tokens += more.cached_tokens;
  sum.written_tokens += more.written_tokens;
  sum.passes += more.passes;
  sum.prompt_seconds += more.prompt_seconds;
  sum.write_seconds += more.write_seconds;
}

}  // namespace

// Of a request that waits for room: sooner or later others have to let it go first. Lives while the mutex is
// locked, but for waits.
class ServedModels::Turn {
 public:
  Turn(ServedModels& models, const Place& wanted) : models_(models), wanted_(wanted) {}
  ~Turn() {
    if (mine_ && models_.next_ == &wanted_) models_.next_ = nullptr;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  void waited() {
    if (models_.next_ != nullptr || std::chrono::steady_clock::now() - since_ < kTurn) return;
    models_.next_ = &wanted_;
    mine_ = true;
  }

 private:
  ServedModels& models_;
  const Place& wanted_;
  const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool mine_ = false;
};

ServedModels::ServedModels(std::shared_ptr<Service> only) {
  places_.push_back({.name = only->name(), .service = std::move(only)});
}

ServedModels::ServedModels(std::vector<ListedModel> models, std::uint64_t room, Load load)
    : room_(room), load_(std::move(load)) {
  for (ListedModel& model : models) {
    std::string name = model.found.label;
    places_.push_back({.name = std::move(name), .model = std::move(model)});
  }
}

ServedModels::Place& ServedModels::place_of(const std::string& name) {
  if (only_one()) return places_.front();
  if (name.empty()) {
    Place& last = *std::ranges::max_element(places_, {}, &Place::used);
    if (last.used > 0) return last;
    throw ApiError(400, "several models are served: name one in 'model'; GET /v1/models lists them", "model");
  }
  const auto place = std::ranges::find_if(
      places_, [&](const Place& p) { return p.name == name || is_called(p.model.found, name); });
  if (place != places_.end()) return *place;
  throw ApiError(404,
                 fmt::format("there is no model '{}'; GET /v1/models lists them", escape_controls(name, 80)),
                 "model");
}

// Whether there is; takes out models that nobody uses, those that were not used for longest first.
bool ServedModels::make_room(const Place& wanted, std::vector<std::shared_ptr<Service>>& unloaded) {
  std::uint64_t sum = wanted.model.card.file_bytes;
  std::vector<Place*> idle;
  for (Place& place : places_) {
    if (!place.service) continue;
    sum += place.model.card.file_bytes;
    if (place.service.use_count() == 1) idle.push_back(&place);
  }
  std::ranges::sort(idle, {}, &Place::used);
  std::size_t out = 0;
  for (; sum > room_ && out < idle.size(); ++out) sum -= idle[out]->model.card.file_bytes;
  if (sum > room_) return false;
  for (std::size_t i = 0; i < out; ++i) {
    if (idle[i]->service->writes()) add_counted(past_, idle[i]->service->scheduler().status());
    unloaded.push_back(std::move(idle[i]->service));
  }
  return true;
}

void ServedModels::load(Place& wanted, std::unique_lock<std::mutex>& lock,
                        std::vector<std::shared_ptr<Service>> unloaded) {
  loading_ = true;
  lock.unlock();
  std::shared_ptr<Service> service;
  std::exception_ptr failure;
  const auto time = time_of(wanted.model.found.path);
  try {
    unloaded.clear();
    service = load_(wanted.model.found);
  } catch (...) { failure = std::current_exception(); }
  lock.lock();
  loading_ = false;
  wanted.service = std::move(service);
  wanted.failure = failure;
  wanted.failed = std::chrono::steady_clock::now();
  wanted.file_time = time;
  changed_.notify_all();
  if (failure) std::rethrow_exception(failure);
}

bool ServedModels::fails_still(const Place& wanted) {
  return wanted.failure && std::chrono::steady_clock::now() - wanted.failed < kRespite &&
         time_of(wanted.model.found.path) == wanted.file_time;
}

void ServedModels::check(const Place& wanted) const {
  const std::uint64_t bytes = wanted.model.card.file_bytes;
  if (!only_one() && bytes > room_)
    throw ApiError(400, fmt::format("{} has {}, and loaded models may have {} together", wanted.name,
                                    format_bytes(bytes), format_bytes(room_)));
  if (closed_) throw ApiError(503, "the server is about to end");
  if (!wanted.service && fails_still(wanted)) std::rethrow_exception(wanted.failure);
}

std::shared_ptr<Service> ServedModels::find(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  Place& wanted = place_of(name);
  check(wanted);
  if (!wanted.service || waits_for_another(wanted)) return nullptr;
  wanted.used = ++uses_;
  return wanted.service;
}

std::shared_ptr<Service> ServedModels::get(const std::string& name, const std::function<bool()>& alive) {
  std::unique_lock lock(mutex_);
  Place& wanted = place_of(name);
  Turn turn(*this, wanted);
  while (true) {
    check(wanted);
    const bool waits = waits_for_another(wanted);
    if (wanted.service && !waits) break;
    std::vector<std::shared_ptr<Service>> unloaded;
    if (!wanted.service && !waits && !loading_ && make_room(wanted, unloaded)) {
      load(wanted, lock, std::move(unloaded));
    } else {
      changed_.wait_for(lock, kGlance);
      turn.waited();
      if (!alive()) throw Error(Errc::cancelled, "the client has gone");
    }
  }
  wanted.used = ++uses_;
  return wanted.service;
}

std::vector<ServedModels::Entry> ServedModels::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Entry> entries;
  for (const Place& place : places_) entries.push_back({place.name, place.model.card, place.service});
  return entries;
}

std::vector<std::shared_ptr<Service>> ServedModels::loaded() const {
  std::vector<std::shared_ptr<Service>> services;
  for (Entry& entry : list())
    if (entry.service) services.push_back(std::move(entry.service));
  return services;
}

SchedulerStatus ServedModels::status() const {
  const std::scoped_lock lock(mutex_);
  SchedulerStatus sum = past_;
  for (const Place& place : places_) {
    if (!place.service || !place.service->writes()) continue;
    const SchedulerStatus more = place.service->scheduler().status();
    add_counted(sum, more);
    sum.slots.insert(sum.slots.end(), more.slots.begin(), more.slots.end());
    sum.waiting += more.waiting;
    sum.kept_texts += more.kept_texts;
    sum.kept_bytes += more.kept_bytes;
  }
  return sum;
}

void ServedModels::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace longhand::cli
