// Saved states of sessions. The first byte chooses the memory; behind it, sections (length u16, content) get
// numbers, checksums and sizes that hold, so that what lies behind those checks is reached; with the lowest
// bit of the second byte set, the rest is the file itself.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/state/checksum.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tiny_sessions.h"

namespace longhand::fuzz {
namespace {

constexpr int kTokens = 9;  // in the session that a state is restored to

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

// What every run starts from.
class Fixture {
 public:
  Fixture() {
    for (std::size_t memory = 0; memory < small_memories().size(); ++memory) {
      sessions_.push_back(fresh(memory));
      const std::string saved = tiny_.saved(memory, 1);
      owners_.push_back(first_section(saved));
      head_ = saved.substr(0, 16);
    }
  }
  /// A session of kTokens tokens.
  Session& session(std::size_t memory) {
    if (!std::ranges::equal(sessions_[memory].tokens(), tiny_text(kTokens, 4)))
      sessions_[memory] = fresh(memory);
    return sessions_[memory];
  }
  const std::string& owner(std::size_t memory) const { return owners_[memory]; }
  /// Of the version that sessions write.
  const std::string& head() const { return head_; }
  std::string path_of(const char* name) const { return tiny_.path_of(name); }

 private:
  Session fresh(std::size_t memory) const {
    Session session = tiny_.make(memory);
    session.feed(tiny_text(kTokens, 4));
    return session;
  }
  static std::string first_section(const std::string& file) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + 32, sizeof length);
    return file.substr(40, length);
  }

  TinySessions tiny_;
  std::vector<Session> sessions_;
  std::vector<std::string> owners_;
  std::string head_;
};

template <class T>
std::string raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string sealed_section(std::uint32_t number, std::string_view content) {
  const std::uint64_t length = content.size();
  const std::uint32_t sum = crc32c(content, crc32c(raw(length), crc32c(raw(number))));
  return raw(number) + raw(sum) + raw(length) + std::string(content);
}

// The owner's section is the session's own: another one is refused before anything else is looked at.
std::string sealed_file(const std::string& head, const std::string& owner, Input sections) {
  std::string body = sealed_section(0, owner);
  for (std::uint32_t number = 1; !sections.empty(); ++number) {
    const std::size_t length =
        std::min<std::size_t>(sections.number<std::uint16_t>(), sections.rest().size());
    const std::string content(sections.rest().substr(0, length));
    sections = Input(sections.rest().substr(length));
    body += sealed_section(number, content);
  }
  const std::uint64_t size = 24 + body.size() + 8;
  return head + raw(size) + body + raw(size);
}

void write(const std::string& path, const std::string& content) {
  if (!std::filesystem::exists(path)) std::ofstream(path).put('\0');
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << content;
  std::filesystem::resize_file(path, content.size());
}

}  // namespace

void run(std::string_view input) {
  static Fixture fixture;
  Input in(input);
  const std::size_t memory = in.number() % small_memories().size();
  const bool sealed = in.number() % 2 == 0;
  const std::string path = fixture.path_of("state"), again = fixture.path_of("again");
  const std::string content =
      sealed ? sealed_file(fixture.head(), fixture.owner(memory), in) : std::string(in.rest());
  write(path, content);

  Session& session = fixture.session(memory);
  const std::vector<float> before = copy(session.logits(kTokens - 1));
  if (!accepts([&] { session.restore_state(path); })) {
    check(std::ranges::equal(session.tokens(), tiny_text(kTokens, 4)),
          "a refused state leaves the session as it was");
    check(copy(session.logits(kTokens - 1)) == before, "a refused state leaves the memories as they were");
    return;
  }
  // What was taken over is saved as it came, and the session lives on.
  session.save_state(again);
  check(read_file(again) == content, "a state is saved as it was restored");
  accepts([&] { session.feed(tiny_text(3, 7)); });
  accepts([&] {
    session.rewind(0);
    session.feed(tiny_text(5, 2));
  });
}

}  // namespace longhand::fuzz
