#include "engine/state/state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "engine/state/fingerprint.h"
#include "engine/state/state_sections.h"
#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::uint64_t kLongestOwner = 64 << 10;  // a few kilobytes with 64 adapters
constexpr std::size_t kFirstLayer = 2;             // the section of layer 0

struct TextHead {
  std::uint32_t remembered, written, floor, tokens;
};

using Bytes = std::vector<std::byte>;

void append(Bytes& to, std::span<const std::byte> more) { to.insert(to.end(), more.begin(), more.end()); }

std::uint64_t layer_bytes(States& memories, std::size_t il, int size) {
  std::uint64_t sum = 0;
  memories.held(il, size, [&](std::byte*, std::size_t n) { sum += n; });
  return sum;
}

class FileSink final : public StateSink {
 public:
  FileSink(const std::string& path, FileCalls& calls) : file_(path, calls) {}
  void write(std::span<const std::byte> content) override { file_.write(content); }
  void commit() { file_.commit(); }

 private:
  FileReplacement file_;
};

class MemorySink final : public StateSink {
 public:
  explicit MemorySink(std::span<std::byte> to) : left_(to) {}
  void write(std::span<const std::byte> content) override {
    std::ranges::copy(content, left_.begin());
    left_ = left_.subspan(content.size());
  }

 private:
  std::span<std::byte> left_;
};

// One section at a time is in memory beside the state itself.
void write_sections(StateSink& sink, const StateOwner& owner, const StateText& text, States& memories) {
  StateWriter out(sink, state_bytes(owner, text, memories));
  const std::string about = text_of(owner);
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

// Names the first difference.
void check_owner(const StateReader& in, const Bytes& content, const StateOwner& owner) {
  std::string_view found(reinterpret_cast<const char*>(content.data()), content.size());
  if (found == text_of(owner)) return;
  for (const auto& [name, value] : owner) {
    const std::string_view line = found.substr(0, found.find('\n'));
    if (line != fmt::format("{} {}", name, value)) {
      in.fail(Errc::mismatch,
              fmt::format("the state was saved with {}, this session has '{} {}'",
                          line.empty() ? "nothing more" : fmt::format("'{}'", line), name, value));
    }
    found.remove_prefix(std::min(line.size() + 1, found.size()));
  }
  in.fail(Errc::mismatch, fmt::format("the state was saved with '{}', which this session has not",
                                      found.substr(0, found.find('\n'))));
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

std::uint64_t longest_text(const StateLimits& limits) noexcept {
  return sizeof(TextHead) + std::uint64_t(limits.context) * sizeof(Token);
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

std::string text_of(const StateOwner& owner) {
  std::string text;
  for (const auto& [name, value] : owner) text += fmt::format("{} {}\n", name, value);
  return text;
}

StateOwner state_owner(const ModelData& m, const SessionOptions& o, const MemoryPlan& p, int context,
                       int batch, const Adaptation* adaptation) {
  SessionOptions settled_options = o;
  settled_options.context = context;
  settled_options.batch = batch;
  settled_options.attention = settled(o.attention, p);
  StateOwner owner = {{"model", fmt::format("{:016x}", fingerprint(m.file))}};
  each_session_option(settled_options, [&](const auto& row, const auto& value) {
    if (row.in_state) owner.emplace_back(row.name, option_text(value));
  });
  if (adaptation != nullptr) owner.insert(owner.end(), adaptation->owner.begin(), adaptation->owner.end());
  return owner;
}

std::uint64_t state_bytes(const StateOwner& owner, const StateText& text, States& memories) {
  std::uint64_t content = text_of(owner).size() + sizeof(TextHead) + text.tokens.size() * sizeof(Token);
  for (std::size_t il = 0; il < memories.count(); ++il) content += layer_bytes(memories, il, text.remembered);
  return framed_bytes(kFirstLayer + memories.count(), content);
}

void write_state(const std::string& path, const StateOwner& owner, const StateText& text, States& memories,
                 FileCalls& calls) {
  FileSink sink(path, calls);
  write_sections(sink, owner, text, memories);
  sink.commit();
}

void write_state(std::span<std::byte> to, const StateOwner& owner, const StateText& text, States& memories) {
  const std::uint64_t size = state_bytes(owner, text, memories);
  if (to.size() != size)
    throw Error(Errc::range,
                fmt::format("a state of {} bytes does not fit into {}, must have as many", size, to.size()));
  MemorySink sink(to);
  write_sections(sink, owner, text, memories);
}

RestoredState read_state(StateSource source, const StateOwner& owner, const StateLimits& limits,
                         const std::function<States()>& make) {
  StateReader in(std::move(source));
  check_owner(in, in.whole_section(kLongestOwner), owner);
  States::Marks marks;
  StateText text = parse_text(in, in.whole_section(longest_text(limits)), limits, marks);
  States fresh = make();
  const StateReader::Place layers = in.place();
  check_layers(in, fresh);
  in.go_to(layers);
  fresh.reserve();
  fresh.set_marks(marks);
  fill_layers(in, fresh, text.remembered);
  if (!fresh.sound(text.remembered))
    in.source().fail(Errc::corrupt, fmt::format("no memory of {} tokens looks like this", text.remembered));
  return {std::move(text), std::move(fresh)};
}

std::pair<std::string, StateText> read_state_text(StateSource source) {
  constexpr StateLimits kAny{std::numeric_limits<int>::max(), kMaxContext};
  StateReader in(std::move(source));
  const Bytes owner = in.whole_section(kLongestOwner);
  States::Marks marks;
  StateText text = parse_text(in, in.whole_section(longest_text(kAny)), kAny, marks);
  return {std::string(reinterpret_cast<const char*>(owner.data()), owner.size()), std::move(text)};
}

}  // namespace longhand
