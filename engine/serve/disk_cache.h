// Finished texts on disk, for those that begin alike after the program was started again. Files are written
// and read in threads of their own, while the scheduler computes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/serve/disk_folder.h"
#include "engine/serve/text_cache.h"
#include "engine/state/state_file.h"
#include "engine/types/scheduler_options.h"

namespace longhand {

struct DiskCacheSetup {
  DiskCacheOptions options;
  StateOwner owner;      ///< of sessions that compute the model as it is
  bool forgets = false;  ///< what sessions hold of a text cannot go back everywhere
  std::function<void(std::string_view)> note = {};
  std::function<void()> on_fetched = {};  ///< called in the cache's thread
  /// So long does reading a file take at most, and a millisecond more for each token. A disk that takes
  /// longer is not waited for: reading the text itself is hardly slower.
  std::chrono::milliseconds patience{5000};
  FileCalls& calls = system_calls();
};

/// A text on its way from the disk.
struct DiskText {
  std::atomic<bool> ready{false};
  std::optional<Session> session =
      {};  ///< belongs to the cache until `ready`; then nothing: it was not sound
};

class DiskCache {
 public:
  /// Throws Error(io). Files that are damaged are noted and left alone.
  explicit DiskCache(DiskCacheSetup setup);
  /// Writes what waits for it.
  ~DiskCache();
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  struct Found {
    std::string path;
    bool being_read = false;  ///< for another request
  };
  /// The file that saves most tokens of a prompt, if it saves `least` or more. None while hangs().
  std::optional<Found> find(const WantedText& wanted, int least) const;
  /// Begins to read a file into a session without tokens.
  std::shared_ptr<DiskText> fetch(const std::string& path, Session empty);
  /// Whether the file that is being read takes too long: what was fetched may never come.
  bool hangs() const;
  /// A copy of a text is written, which shares its memory meanwhile; of those that forget another one of its
  /// first `turn` tokens, where the next text most likely differs. What cannot be is not done, and nothing
  /// for a minute after a file could not be written.
  void save(const Session& text, int turn) noexcept;
  /// Texts that were not written yet leave memory.
  void forget_waiting() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::string path, owner;
    std::vector<Token> tokens;
  };
  struct ToSave {
    Session session;
    int turn = 0;
  };
  struct ToRead {
    std::string path;
    std::shared_ptr<DiskText> text;
  };

  void index(const std::string& path);
  std::string owner_of(const Adaptation* adaptation) const;
  bool paused() const;
  std::string holder_of(const Entry& text) const;
  bool find_holder(const Entry& text);
  void write_all(const std::stop_token& stop);
  void write(ToSave& next) noexcept;
  void store(Session& session);
  void write_file(Session& session, const StateOwner& owner, Entry entry);
  void add(Entry entry, const std::vector<DiskFolder::File>& others);
  void used(const std::string& path);
  void forget(const std::string& path);
  void read_all(const std::stop_token& stop);
  void read(const ToRead& next) noexcept;
  void note(const std::function<std::string()>& line, std::string_view path = "") noexcept;

  const DiskCacheSetup setup_;
  DiskFolder folder_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable_any wake_;
  std::vector<Entry> entries_;  // those used last at the end
  std::deque<ToSave> to_save_;
  std::deque<ToRead> to_read_;  // the first is being read
  Clock::time_point read_by_ = Clock::time_point::max();
  Clock::time_point write_from_ = Clock::time_point::min();  // until then nothing is
  std::set<std::string> noted_;
  std::jthread writer_, reader_;  // last: they end before what they use
};

}  // namespace longhand
