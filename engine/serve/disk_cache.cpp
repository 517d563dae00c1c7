#include "engine/serve/disk_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "engine/api/session_impl.h"

namespace longhand {
namespace {

// Shorter texts are read again as soon as their files are.
constexpr int kShortest = 64;
// Texts that wait to be written, each of which holds memory, those that forget their own; where more come the
// oldest is not written.
constexpr std::size_t kMostShared = 8, kMostCopied = 2;
// Files looked at, the latest used: each is compared with every prompt.
constexpr std::size_t kMostFiles = 1024;
// So long is nothing written after a file could not be: on a full disk the next one cannot be either.
constexpr std::chrono::seconds kPause{60};
// Different lines that are noted, after which the first may come again.
constexpr std::size_t kMostNotes = 64;

int common(std::span<const Token> a, std::span<const Token> b) {
  return int(std::ranges::mismatch(a, b).in1 - a.begin());
}

bool begins_with(std::span<const Token> text, std::span<const Token> beginning) {
  return common(beginning, text) == int(beginning.size());
}

// A longer text takes the place of its own beginning, unless that is much shorter: others may go on from
// there in another way.
bool outlives(std::span<const Token> text, std::span<const Token> beginning) {
  return 2 * beginning.size() > text.size() && begins_with(text, beginning);
}

}  // namespace

DiskCache::DiskCache(DiskCacheSetup setup)
    : setup_(std::move(setup)),
      folder_(setup_.options.folder, std::uint64_t(setup_.options.mib) << 20, setup_.calls) {
  const std::vector<DiskFolder::File> files = folder_.files();
  const std::size_t first = files.size() - std::min(files.size(), kMostFiles);
  for (std::size_t i = first; i < files.size(); ++i) index(files[i].path);
  writer_ = std::jthread([this](const std::stop_token& stop) { write_all(stop); });
  reader_ = std::jthread([this](const std::stop_token& stop) { read_all(stop); });
}

DiskCache::~DiskCache() = default;

void DiskCache::index(const std::string& path) {
  try {
    auto [owner, text] = read_state_text(StateSource::of_file(path));
    if (!owner.starts_with(text_of(setup_.owner))) return;  // of another model, or of other options
    text.tokens.resize(std::size_t(text.remembered));
    entries_.push_back({path, std::move(owner), std::move(text.tokens)});
  } catch (const Error& error) {
    note([&] { return fmt::format("{}; the file is not used", error.what()); }, path);
  }
}

// What text_of() makes of the owner of a session's state, but for the fingerprint, which takes a while.
std::string DiskCache::owner_of(const Adaptation* adaptation) const {
  std::string owner = text_of(setup_.owner);
  if (adaptation != nullptr) owner += text_of(adaptation->owner);
  return owner;
}

std::optional<DiskCache::Found> DiskCache::find(const WantedText& wanted, int least) const {
  const std::string owner = owner_of(wanted.adaptation.get());
  if (hangs()) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const Entry* best = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.owner != owner) continue;
    // The last token is read again for its logits.
    const int shared = std::min(common(entry.tokens, wanted.prompt), int(wanted.prompt.size()) - 1);
    const int saved = setup_.forgets && shared < int(entry.tokens.size()) ? 0 : shared;
    if (saved >= least) best = &entry, least = saved + 1;
  }
  if (best == nullptr) return std::nullopt;
  return Found{best->path, std::ranges::find(to_read_, best->path, &ToRead::path) != to_read_.end()};
}

std::shared_ptr<DiskText> DiskCache::fetch(const std::string& path, Session empty) {
  auto text = std::make_shared<DiskText>();
  text->session.emplace(std::move(empty));
  const std::scoped_lock lock(mutex_);
  to_read_.push_back({path, text});
  wake_.notify_all();
  return text;
}

bool DiskCache::hangs() const {
  const std::scoped_lock lock(mutex_);
  return Clock::now() > read_by_;
}

bool DiskCache::paused() const {
  const std::scoped_lock lock(mutex_);
  return Clock::now() < write_from_;
}

void DiskCache::save(const Session& text, int turn) noexcept {
  if (text.size() < kShortest || Access::impl(text)->sequence.has_embeddings()) return;
  try {
    if (paused()) return;
    ToSave next{text.fork(), std::min(turn, text.size())};
    const std::scoped_lock lock(mutex_);
    // The same conversation, a turn ago.
    std::erase_if(to_save_, [&](const ToSave& other) {
      const auto& theirs = Access::impl(other.session)->sequence.adaptation;
      return same(theirs.get(), Access::impl(text)->sequence.adaptation.get()) &&
             outlives(text.tokens(), other.session.tokens());
    });
    if (to_save_.size() == (setup_.forgets ? kMostCopied : kMostShared)) to_save_.pop_front();
    to_save_.push_back(std::move(next));
    wake_.notify_all();
  } catch (const std::exception&) {}  // memory is short
}

void DiskCache::forget_waiting() noexcept {
  std::deque<ToSave> forgotten;
  const std::scoped_lock lock(mutex_);
  forgotten.swap(to_save_);
}

void DiskCache::write_all(const std::stop_token& stop) {
  // Of this thread alone: what computes goes first.
  [[maybe_unused]] const int ignored = ::nice(19);
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [this] { return !to_save_.empty(); });
    if (to_save_.empty()) return;
    ToSave next = std::move(to_save_.front());
    to_save_.pop_front();
    lock.unlock();
    write(next);
  }
}

void DiskCache::write(ToSave& next) noexcept {
  try {
    Session& session = next.session;
    store(session);
    if (!setup_.forgets) return;
    const int checkpoint = next.turn - session.rewind_cost(next.turn);
    if (checkpoint < kShortest) return;
    session.rewind(checkpoint);
    store(session);
  } catch (const std::exception& error) {
    note([&] { return fmt::format("a text is not kept: {}", error.what()); });
  }
}

// The file in which a text would be found, and where texts can be cut a longer one of which it is the
// beginning; empty: none.
std::string DiskCache::holder_of(const Entry& text) const {
  const auto holds = [&](const Entry& other) {
    if (other.path == text.path) return true;
    return !setup_.forgets && other.owner == text.owner && begins_with(other.tokens, text.tokens);
  };
  const std::scoped_lock lock(mutex_);
  const auto holder = std::ranges::find_if(entries_, holds);
  return holder == entries_.end() ? "" : holder->path;
}

// Whether the text need not be written. Other programs may have deleted what is known here.
bool DiskCache::find_holder(const Entry& text) {
  for (std::string holder; !(holder = holder_of(text)).empty(); forget(holder)) {
    if (!folder_.touch(holder)) continue;
    used(holder);
    return true;
  }
  return false;
}

void DiskCache::store(Session& session) {
  if (paused()) return;
  const auto& impl = *Access::impl(session);
  const StateOwner owner = impl.owner();
  Entry entry{"", text_of(owner), impl.sequence.tokens};
  entry.path = folder_.path_of(entry.owner, entry.tokens);
  entry.tokens.resize(std::size_t(impl.sequence.remembered));
  if (find_holder(entry)) return;
  const std::string path = entry.path;
  try {
    write_file(session, owner, std::move(entry));
  } catch (const Error& error) {
    note([&] { return fmt::format("a text is not kept: {}", error.what()); }, path);
    const std::scoped_lock lock(mutex_);
    if (error.code() == Errc::io) write_from_ = Clock::now() + kPause;
  }
}

void DiskCache::write_file(Session& session, const StateOwner& owner, Entry entry) {
  refuse_link(entry.path);
  const auto others = folder_.make_room(session.state_bytes());
  if (!others) {
    return note([&] {
      return fmt::format("a text is not kept: it does not fit into the {} MiB that all files may have",
                         folder_.limit() >> 20);
    });
  }
  const auto& impl = *Access::impl(session);
  const StateText text{impl.sequence.tokens, impl.sequence.remembered};
  write_state(entry.path, owner, text, impl.sequence.states, folder_.calls());
  add(std::move(entry), *others);
}

void DiskCache::add(Entry entry, const std::vector<DiskFolder::File>& others) {
  std::set<std::string_view> there;
  for (const DiskFolder::File& file : others) there.insert(file.path);
  const auto stays = [&](const Entry& other) {
    return other.owner != entry.owner || !outlives(entry.tokens, other.tokens);
  };
  std::vector<Entry> outlived;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(entries_, [&](const Entry& other) { return !there.contains(other.path); });
    outlived.reserve(entries_.size());
    const auto leaving = std::stable_partition(entries_.begin(), entries_.end(), stays);
    std::move(leaving, entries_.end(), std::back_inserter(outlived));
    entries_.erase(leaving, entries_.end());
    entries_.push_back(std::move(entry));
    if (entries_.size() > kMostFiles) entries_.erase(entries_.begin());
  }
  // Of large files that takes a while, and the scheduler asks for what there is.
  for (const Entry& other : outlived) folder_.remove(other.path);
}

void DiskCache::used(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const auto at = std::ranges::find(entries_, path, &Entry::path);
  if (at != entries_.end()) std::rotate(at, at + 1, entries_.end());
}

void DiskCache::forget(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.path == path; });
}

void DiskCache::read_all(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [this] { return !to_read_.empty(); });
    if (stop.stop_requested()) return;
    const ToRead next = to_read_.front();
    const auto entry = std::ranges::find(entries_, next.path, &Entry::path);
    const std::size_t tokens = entry == entries_.end() ? 0 : entry->tokens.size();
    read_by_ = Clock::now() + setup_.patience + std::chrono::milliseconds(tokens);
    lock.unlock();
    read(next);
    lock.lock();
    read_by_ = Clock::time_point::max();
    to_read_.pop_front();
    lock.unlock();
    if (setup_.on_fetched) setup_.on_fetched();
  }
}

void DiskCache::read(const ToRead& next) noexcept {
  try {
    next.text->session->restore_state(next.path);
    folder_.touch(next.path);
    used(next.path);
  } catch (const std::exception& error) {
    next.text->session.reset();
    note([&] { return fmt::format("{}; the file is not used", error.what()); }, next.path);
    forget(next.path);
  }
  next.text->ready = true;
}

// Once, where the same goes wrong again and again, with whatever file: `path` does not count.
void DiskCache::note(const std::function<std::string()>& line, std::string_view path) noexcept {
  if (!setup_.note) return;
  try {
    const std::string text = line();
    std::string what = text;
    if (const std::size_t at = path.empty() ? text.npos : text.find(path); at != text.npos)
      what.erase(at, path.size());
    {
      const std::scoped_lock lock(mutex_);
      if (noted_.size() >= kMostNotes) noted_.clear();
      if (!noted_.insert(std::move(what)).second) return;
    }
    setup_.note(text);
  } catch (...) {}  // memory is short, or who is told has failed
}

}  // namespace longhand
