// The models of a server. One that was named on the command line is always there; of many, those that
// requests ask for are loaded, and unloaded where others need their room.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/models/model_card.h"
#include "cli/models/model_places.h"
#include "cli/serve/service.h"

namespace longhand::cli {

/// A model that may be asked for.
struct ListedModel {
  FoundModel found;
  ModelCard card;
};

/// May be used by any number of threads.
class ServedModels {
 public:
  /// This model, whatever requests call it.
  explicit ServedModels(std::shared_ptr<Service> only);
  using Load = std::function<std::shared_ptr<Service>(const FoundModel&)>;
  /// These models, which `load` loads; those that are loaded have `room` bytes of files together.
  ServedModels(std::vector<ListedModel> models, std::uint64_t room, Load load);

  /// There is one, so that it does not matter what requests call it.
  bool only_one() const noexcept { return !load_; }
  /// The model of that name; where it is empty the one that was used last. It stays as long as the pointer.
  /// Waits until it is loaded, and for room as long as others are in use. Throws ApiError (404: there is
  /// none; 400: none was used yet, or it is larger than the room; 503: the server ends), and what loading
  /// fails with, or Error(cancelled) once `alive` is false. A model that failed is not tried again for a
  /// while, unless its file has changed: others would be unloaded for it each time. Once one has waited for
  /// two seconds, all others wait until it is loaded, so that models in constant use keep nobody out.
  std::shared_ptr<Service> get(const std::string& name, const std::function<bool()>& alive);
  /// The same without waiting: null where that would be.
  std::shared_ptr<Service> find(const std::string& name);

  struct Entry {
    std::string name;
    ModelCard card = {};                         ///< of many
    std::shared_ptr<Service> service = nullptr;  ///< null: it is not loaded
  };
  std::vector<Entry> list() const;
  /// Those that are loaded.
  std::vector<std::shared_ptr<Service>> loaded() const;
  /// Sums over those that are loaded; what is counted of requests also over those that were.
  SchedulerStatus status() const;
  /// Nothing is loaded, and no requests are taken, any more.
  void close();

 private:
  struct Place {
    std::string name;
    ListedModel model = {};
    std::shared_ptr<Service> service = nullptr;
    std::uint64_t used = 0;                // the larger, the later
    std::exception_ptr failure = nullptr;  // of loading it last
    std::chrono::steady_clock::time_point failed = {};
    std::filesystem::file_time_type file_time = {};  // of the file that failed
  };
  class Turn;
  Place& place_of(const std::string& name);
  void check(const Place& wanted) const;
  static bool fails_still(const Place& wanted);
  bool waits_for_another(const Place& wanted) const { return next_ != nullptr && next_ != &wanted; }
  bool make_room(const Place& wanted, std::vector<std::shared_ptr<Service>>& unloaded);
  void load(Place& wanted, std::unique_lock<std::mutex>& lock,
            std::vector<std::shared_ptr<Service>> unloaded);

  const std::uint64_t room_ = 0;
  const Load load_ = {};
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Place> places_;    // their number stays
  const Place* next_ = nullptr;  // is loaded before others are used
  SchedulerStatus past_;         // of those that were unloaded, what is counted of requests
  std::uint64_t uses_ = 0;
  bool loading_ = false, closed_ = false;
};

}  // namespace longhand::cli
