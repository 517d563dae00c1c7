#include "engine/state/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>

#include "engine/state/checksum.h"
#include "engine/state/fingerprint.h"
#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::string_view kMagic = "LONGHAND";
constexpr std::uint32_t kVersion = 2;
constexpr std::uint64_t kLongestOwner = 64 << 10;  // it takes less than a kilobyte
constexpr std::size_t kPiece = 16 << 10;           // of what is read for its checksum alone

struct FileHead {
  char magic[8];
  std::uint32_t version, zero;
  std::uint64_t size;
};
struct SectionHead {
  std::uint32_t number, checksum;
  std::uint64_t length;
};
struct TextHead {
  std::uint32_t remembered, written, floor, tokens;
};
using FileTail = std::uint64_t;

enum : std::uint32_t { kOwner, kText, kFirstLayer };

using Bytes = std::vector<std::byte>;

template <class T>
std::span<std::byte> bytes_of(T& value) noexcept {
  return std::as_writable_bytes(std::span(&value, 1));
}
void append(Bytes& to, std::span<const std::byte> more) { to.insert(to.end(), more.begin(), more.end()); }

// Of a section without content.
std::uint32_t checksum_of(const SectionHead& head) noexcept {
  const std::uint32_t number = crc32c(std::as_bytes(std::span(&head.number, 1)));
  return crc32c(std::as_bytes(std::span(&head.length, 1)), number);
}

std::string owner_text(const StateOwner& owner) {
  std::string text;
  for (const auto& [name, value] : owner) text += fmt::format("{} {}\n", name, value);
  return text;
}

std::uint64_t layer_bytes(States& memories, std::size_t il, int size) {
  std::uint64_t sum = 0;
  memories.held(il, size, [&](std::byte*, std::size_t n) { sum += n; });
  return sum;
}

// One section at a time is in memory beside the state itself.
class StateWriter {
 public:
  StateWriter(const std::string& path, FileCalls& calls, std::uint64_t size)
      : file_(path, calls), size_(size) {
    FileHead head{{}, kVersion, 0, size};
    std::copy(kMagic.begin(), kMagic.end(), head.magic);
    file_.write(bytes_of(head));
  }

  void section(std::span<const std::byte> content) {
    SectionHead head{number_++, 0, content.size()};
    head.checksum = crc32c(content, checksum_of(head));
    file_.write(bytes_of(head));
    file_.write(content);
  }

  void finish() {
    FileTail tail = size_;
    file_.write(bytes_of(tail));
    file_.commit();
  }

 private:
  FileReplacement file_;
  std::uint64_t size_;
  std::uint32_t number_ = 0;
};

class StateReader {
 public:
  explicit StateReader(const std::string& path) : path_(path) {
    do fd_ = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) fail_system("opened");
    try {
      check_sizes();
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  ~StateReader() { ::close(fd_); }
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  /// The next section becomes the one that is read. Nothing of a longer one is looked at.
  void open_section(std::uint64_t longest) {
    number_ = next_++;
    if (end_ - at_ < sizeof section_) fail(Errc::corrupt, "the section is missing");
    read(bytes_of(section_));
    if (section_.number != number_)
      fail(Errc::corrupt, fmt::format("section {} is in its place", section_.number));
    left_ = section_.length;
    if (left_ > end_ - at_)
      fail(Errc::corrupt, fmt::format("length is {}, must be at most the {} bytes left", left_, end_ - at_));
    if (left_ > longest)
      fail(Errc::corrupt, fmt::format("length is {}, must be at most {} in this session", left_, longest));
    sum_ = checksum_of(section_);
  }
  /// What comes next in the section.
  void take(std::span<std::byte> to) {
    if (to.size() > left_) fail(Errc::corrupt, fmt::format("{} bytes are missing", to.size() - left_));
    read(to);
    sum_ = crc32c(to, sum_);
    left_ -= to.size();
  }
  void skip_rest() {
    std::array<std::byte, kPiece> piece;
    while (left_ > 0) take(std::span(piece).first(std::size_t(std::min<std::uint64_t>(left_, kPiece))));
  }
  void close_section() {
    if (left_ > 0) fail(Errc::corrupt, fmt::format("{} bytes are too many", left_));
    if (section_.checksum != sum_) fail(Errc::corrupt, "the checksum does not hold");
  }
  Bytes whole_section(std::uint64_t longest) {
    open_section(longest);
    Bytes content(static_cast<std::size_t>(left_));
    take(content);
    close_section();
    return content;
  }

  void finish() {
    if (at_ != end_) fail(Errc::corrupt, fmt::format("{} bytes follow the last layer", end_ - at_));
  }

  /// Between two sections.
  struct Place {
    std::uint64_t at;
    std::uint32_t next;
  };
  Place place() const noexcept { return {at_, next_}; }
  void go_to(Place place) noexcept {
    at_ = place.at;
    next_ = place.next;
  }

  /// About the section opened last.
  [[noreturn]] void fail(Errc code, std::string_view what) const {
    throw Error(code, fmt::format("{}: section {}: {}", path_, number_, what));
  }
  const std::string& path() const noexcept { return path_; }

 private:
  [[noreturn]] void fail_system(std::string_view what) const {
    throw Error(Errc::io,
                fmt::format("{}: cannot be {}: {}", path_, what, std::generic_category().message(errno)));
  }
  [[noreturn]] void fail_file(Errc code, std::string_view what) const {
    throw Error(code, fmt::format("{}: {}", path_, what));
  }

  void check_sizes() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail_system("examined");
    if (!S_ISREG(status.st_mode)) fail_file(Errc::io, "not a regular file");
    const auto size = std::uint64_t(status.st_size);
    FileHead head{};
    FileTail tail = 0;
    if (size < sizeof head + sizeof tail)
      fail_file(Errc::truncated, fmt::format("{} bytes are too few for a saved state", size));
    end_ = size - sizeof tail;
    read(bytes_of(head));
    if (std::string_view(head.magic, sizeof head.magic) != kMagic)
      fail_file(Errc::magic, "not a saved state");
    if (head.version != kVersion || head.zero != 0)
      fail_file(Errc::version,
                fmt::format("states of version {} are not read, must be {}", head.version, kVersion));
    if (head.size != size)
      fail_file(head.size > size ? Errc::truncated : Errc::corrupt,
                fmt::format("the file has {} bytes, must have {}", size, head.size));
    const std::uint64_t first = std::exchange(at_, end_);
    read(bytes_of(tail));
    at_ = first;
    if (tail != size)
      fail_file(Errc::corrupt, fmt::format("the file has {} bytes, its end says {}", size, tail));
  }

  void read(std::span<std::byte> to) {
    while (!to.empty()) {
      const ssize_t n = ::pread(fd_, to.data(), to.size(), off_t(at_));
      if (n == 0) fail_file(Errc::truncated, "the file became shorter while it was read");
      if (n < 0 && errno != EINTR) fail_system("read");
      if (n <= 0) continue;
      to = to.subspan(std::size_t(n));
      at_ += std::uint64_t(n);
    }
  }

  std::string path_;
  int fd_ = -1;
  std::uint64_t at_ = 0, end_ = 0;
  std::uint32_t next_ = 0, number_ = 0;  // of the section to come, of the one opened last
  SectionHead section_{};                // the latter, ...
  std::uint64_t left_ = 0;               // ... bytes of it to come, ...
  std::uint32_t sum_ = 0;                // ... and the checksum of those taken
};

// Names the first difference.
void check_owner(const StateReader& in, const Bytes& content, const StateOwner& owner) {
  std::string_view found(reinterpret_cast<const char*>(content.data()), content.size());
  if (found == owner_text(owner)) return;
  for (const auto& [name, value] : owner) {
    const std::string_view line = found.substr(0, found.find('\n'));
    if (line != fmt::format("{} {}", name, value)) {
      in.fail(Errc::mismatch,
              fmt::format("the state was saved with '{}', this session has '{} {}'", line, name, value));
    }
    found.remove_prefix(std::min(line.size() + 1, found.size()));
  }
  in.fail(Errc::mismatch, "the state was saved with options this session does not know");
}

StateText parse_text(const StateReader& in, std::span<const std::byte> content, const StateLimits& limits,
                     States::Marks& marks) {
  TextHead head{};
  if (content.size() < sizeof head) in.fail(Errc::corrupt, "the numbers are missing");
  std::memcpy(&head, content.data(), sizeof head);
  content = content.subspan(sizeof head);
  if (content.size() != std::uint64_t{head.tokens} * sizeof(Token))
    in.fail(Errc::corrupt, fmt::format("{} tokens must take {} bytes, there are {}", head.tokens,
                                       std::uint64_t{head.tokens} * sizeof(Token), content.size()));
  const auto most = [&](const char* name, std::uint32_t value, std::uint64_t limit) {
    if (value > limit)
      in.fail(Errc::corrupt, fmt::format("{} is {}, must be at most {}", name, value, limit));
  };
  most("number of tokens", head.tokens, std::uint64_t(limits.context));
  most("tokens remembered", head.remembered, head.tokens);
  most("tokens written", head.written, std::uint64_t(limits.context));
  most("tokens remembered", head.remembered, head.written);
  most("first position served", head.floor, head.remembered);
  StateText text{std::vector<Token>(head.tokens), int(head.remembered)};
  if (!content.empty()) std::memcpy(text.tokens.data(), content.data(), content.size());
  for (const Token token : text.tokens) {
    if (token < 0 || token >= limits.vocab)
      in.fail(Errc::corrupt, fmt::format("token {} must be 0..{}", token, limits.vocab - 1));
  }
  marks = {int(head.written), int(head.floor)};
  return text;
}

void check_layers(StateReader& in, States& fresh) {
  for (std::size_t il = 0; il < fresh.count(); ++il) {
    in.open_section(fresh.bytes_of(il));
    in.skip_rest();
    in.close_section();
  }
  in.finish();
}

// Checksums are compared again: nothing keeps others from changing the file meanwhile.
void fill_layers(StateReader& in, States& fresh, int size) {
  for (std::size_t il = 0; il < fresh.count(); ++il) {
    in.open_section(std::numeric_limits<std::uint64_t>::max());
    fresh.held(il, size, [&](std::byte* to, std::size_t n) { in.take({to, n}); });
    in.close_section();
  }
}

}  // namespace

StateOwner state_owner(const ModelData& m, const SessionOptions& o, const MemoryPlan& p, int context,
                       int batch) {
  SessionOptions settled_options = o;
  settled_options.context = context;
  settled_options.batch = batch;
  settled_options.attention = settled(o.attention, p);
  StateOwner owner = {{"model", fmt::format("{:016x}", fingerprint(m.file))}};
  each_session_option(settled_options, [&](const auto& row, const auto& value) {
    if (row.in_state) owner.emplace_back(row.name, option_text(value));
  });
  return owner;
}

std::uint64_t state_bytes(const StateOwner& owner, const StateText& text, States& memories) {
  std::uint64_t sum = sizeof(FileHead) + sizeof(FileTail) +
                      (kFirstLayer + memories.count()) * sizeof(SectionHead) + owner_text(owner).size() +
                      sizeof(TextHead) + text.tokens.size() * sizeof(Token);
  for (std::size_t il = 0; il < memories.count(); ++il) sum += layer_bytes(memories, il, text.remembered);
  return sum;
}

void write_state(const std::string& path, const StateOwner& owner, const StateText& text, States& memories,
                 FileCalls& calls) {
  StateWriter out(path, calls, state_bytes(owner, text, memories));
  const std::string about = owner_text(owner);
  out.section(std::as_bytes(std::span(about)));
  const States::Marks marks = memories.marks();
  TextHead head{std::uint32_t(text.remembered), std::uint32_t(marks.written), std::uint32_t(marks.floor),
                std::uint32_t(text.tokens.size())};
  Bytes content;
  append(content, bytes_of(head));
  append(content, std::as_bytes(std::span(text.tokens)));
  out.section(content);
  for (std::size_t il = 0; il < memories.count(); ++il) {
    content.clear();
    content.reserve(std::size_t(layer_bytes(memories, il, text.remembered)));
    memories.held(il, text.remembered, [&](std::byte* from, std::size_t n) { append(content, {from, n}); });
    out.section(content);
  }
  out.finish();
}

RestoredState read_state(const std::string& path, const StateOwner& owner, const StateLimits& limits,
                         const std::function<States()>& make) {
  StateReader in(path);
  check_owner(in, in.whole_section(kLongestOwner), owner);
  States::Marks marks;
  const std::uint64_t longest_text = sizeof(TextHead) + std::uint64_t(limits.context) * sizeof(Token);
  StateText text = parse_text(in, in.whole_section(longest_text), limits, marks);
  States fresh = make();
  const StateReader::Place layers = in.place();
  check_layers(in, fresh);
  in.go_to(layers);
  fresh.reserve();
  fresh.set_marks(marks);
  fill_layers(in, fresh, text.remembered);
  if (!fresh.sound(text.remembered))
    throw Error(Errc::corrupt,
                fmt::format("{}: no memory of {} tokens looks like this", path, text.remembered));
  return {std::move(text), std::move(fresh)};
}

}  // namespace longhand
