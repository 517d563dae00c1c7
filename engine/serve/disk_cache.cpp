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

int common(std::span<const Token> a, std::span<const Token> b) {
  return int(std::ranges::mismatch(a, b).in1 - a.begin());
}

bool begins_with(std::span<const Token> text, std::span<const Token> beginning) {
  return common(beginning, text) == int(beginning.size());
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
    note([&] { return fmt::format("{}; the file is not used", error.what()); });
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

void DiskCache::save(const Session& text, int turn) noexcept {
  if (text.size() < kShortest || Access::impl(text)->sequence.has_embeddings()) return;
  try {
    ToSave next{text.fork(), std::min(turn, text.size())};
    const std::scoped_lock lock(mutex_);
    // The same conversation, a turn ago.
    std::erase_if(to_save_, [&](const ToSave& other) {
      const auto& theirs = Access::impl(other.session)->sequence.adaptation;
      return same(theirs.get(), Access::impl(text)->sequence.adaptation.get()) &&
             begins_with(text.tokens(), other.session.tokens());
    });
    if (to_save_.size() == (setup_.forgets ? kMostCopied : kMostShared)) to_save_.pop_front();
    to_save_.push_back(std::move(next));
    wake_.notify_all();
  } catch (const std::exception&) {}  // memory is short
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

bool DiskCache::knows(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::find(entries_, path, &Entry::path) != entries_.end();
}

void DiskCache::store(Session& session) {
  const auto& impl = *Access::impl(session);
  const StateOwner owner = impl.owner();
  const StateText text{impl.sequence.tokens, impl.sequence.remembered};
  Entry entry{"", text_of(owner), text.tokens};
  entry.tokens.resize(std::size_t(text.remembered));
  entry.path = folder_.path_of(entry.owner, text.tokens);
  if (knows(entry.path)) return folder_.touch(entry.path);
  refuse_link(entry.path);
  const std::uint64_t bytes = session.state_bytes();
  if (!folder_.make_room(bytes)) {
    return note([&] {
      return fmt::format("a text of {} MiB is not kept: all files together may have {}", bytes >> 20,
                         folder_.limit() >> 20);
    });
  }
  write_state(entry.path, owner, text, impl.sequence.states, folder_.calls());
  add(std::move(entry));
}

// A longer text takes the place of its own beginning, unless that is much shorter: others may go on from
// there in another way.
void DiskCache::add(Entry entry) {
  std::set<std::string> there;
  for (const DiskFolder::File& file : folder_.files()) there.insert(file.path);
  const auto stays = [&](const Entry& other) {
    return other.owner != entry.owner || 2 * other.tokens.size() <= entry.tokens.size() ||
           !begins_with(entry.tokens, other.tokens);
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
  }
  // Of large files that takes a while, and the scheduler asks for what there is.
  for (const Entry& other : outlived) folder_.remove(other.path);
}

void DiskCache::read_all(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [this] { return !to_read_.empty(); });
    if (stop.stop_requested()) return;
    const ToRead next = to_read_.front();
    lock.unlock();
    read(next);
    lock.lock();
    to_read_.pop_front();
    lock.unlock();
    if (setup_.on_fetched) setup_.on_fetched();
  }
}

void DiskCache::read(const ToRead& next) noexcept {
  try {
    next.text->session->restore_state(next.path);
    folder_.touch(next.path);
  } catch (const std::exception& error) {
    next.text->session.reset();
    note([&] { return fmt::format("{}; the file is not used", error.what()); });
    const std::scoped_lock lock(mutex_);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.path == next.path; });
  }
  next.text->ready = true;
}

// Once, where the same goes wrong again and again.
void DiskCache::note(const std::function<std::string()>& line) noexcept {
  if (!setup_.note) return;
  try {
    const std::string text = line();
    {
      const std::scoped_lock lock(mutex_);
      if (text == last_note_) return;
      last_note_ = text;
    }
    setup_.note(text);
  } catch (...) {}  // memory is short, or who is told has failed
}

}  // namespace longhand
