// A running text: feeding tokens in batches, rewinding, logits of any position.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "engine/decoder.h"
#include "engine/longhand.h"
#include "engine/memory_errors.h"
#include "engine/state_file.h"
#include "ops/machine.h"
#include "ops/panels.h"

namespace longhand {
namespace {

constexpr int kLogitRows = 16;

// What a session works with. Throws Error (missing) where it was moved from.
template <class Impl>
Impl& live(const std::unique_ptr<Impl>& impl) {
  if (!impl) throw Error(Errc::missing, "the session was moved from: it has no text");
  return *impl;
}
// Up to so many tokens at once, as speculation has them, reading the weights is most of the work.
constexpr int kDecodeTokens = 8;

// Bytes of the largest panel any worker must interleave by itself; 0 when all weights are repacked.
std::size_t panel_scratch(const Weights& w) {
  std::size_t most = 0;
  for_each_linear(w, [&](const Linear& l) {
    if (l.weight.layout == Layout::rows) most = std::max(most, panel_bytes(l.weight.format, l.weight.cols));
  });
  return most;
}

// Workers meet about ten times a layer, and where other programs run too, one whose core is taken keeps all
// others waiting. A share of the weights that streams in within a millisecond is not worth that.
constexpr std::uint64_t kBytesPerWorker = std::uint64_t{8} << 20;

int useful_workers(const ModelData& m) {
  const std::uint64_t shares = std::max<std::uint64_t>(1, m.info.weight_bytes / kBytesPerWorker);
  return int(std::min<std::uint64_t>(std::uint64_t(usable_cores()), shares));
}

struct Sizes {
  int context, batch, threads, prefill_threads;
  MemoryPlan plan;
  bool cut = false;
};

Sizes choose_sizes(const ModelData& m, const SessionOptions& o) {
  const auto refuse = [](const char* what, int value, int most) {
    return Error(Errc::range, fmt::format("{} is {}, must be 0..{}", what, value, most));
  };
  if (o.context < 0 || o.context > (1 << 30)) throw refuse("context size (-c)", o.context, 1 << 30);
  if (o.batch < 1 || o.batch > kMaxBatch)
    throw Error(Errc::range, fmt::format("batch size (-b) is {}, must be 1..{}", o.batch, kMaxBatch));
  if (o.threads < 0 || o.threads > kMaxThreads) throw refuse("thread count (-t)", o.threads, kMaxThreads);
  if (o.prefill_threads < 0 || o.prefill_threads > kMaxThreads)
    throw refuse("thread count for prompts (-tb)", o.prefill_threads, kMaxThreads);
  const int threads = o.threads > 0 ? o.threads : useful_workers(m);
  Sizes s{o.context, o.batch, threads, o.prefill_threads > 0 ? o.prefill_threads : threads,
          plan_memory(m.config, o.attention, o.context)};
  check_memory(s.plan, m.config, m.weights, o.attention);
  const auto cache_bytes = [&](int context) {
    return Memories(m.config, m.weights, o, s.plan, context, std::min(s.batch, context)).bytes();
  };
  const std::uint64_t available = available_memory();
  // The most chunks of context that take no more than `budget`, which they do up to some number.
  const auto fits = [&](std::uint64_t budget) {
    int chunks = 0;
    for (int step = (1 << 30) / kAttendKeys; step > 0; step /= 2)
      if (chunks + step <= (1 << 30) / kAttendKeys && cache_bytes((chunks + step) * kAttendKeys) <= budget)
        chunks += step;
    return chunks * kAttendKeys;
  };
  if (s.context == 0) {
    s.context = m.config.trained_context;
    // A quarter is left to the rest of the system.
    if (available > 0 && cache_bytes(s.context) > available / 4 * 3) {
      s.context = std::max(kAttendKeys, fits(available / 4 * 3));
      s.cut = true;
    }
  } else if (available > 0 && cache_bytes(s.context) > available) {
    throw Error(Errc::no_memory,
                fmt::format("a context of {} tokens needs {} MiB, {} MiB are free; {} tokens would fit",
                            s.context, cache_bytes(s.context) >> 20, available >> 20, fits(available)));
  }
  s.batch = std::min(s.batch, s.context);
  return s;
}

}  // namespace

struct Session::Impl {
  Model model;
  SessionOptions options;
  Sizes sizes;
  Memories memories;
  Workspace ws;
  PositionPlan positions;
  Team team;
  std::optional<Team> other_team;  // for prompts, where they have a thread count of their own
  std::vector<Token> tokens;
  int remembered =
      0;  // tokens the memories hold; they lag behind `tokens` where a rewind went too far for them
  std::vector<float> logits;  // (kLogitRows, vocab); row 0 is what the last call returned
  int logits_position = -1;   // whose logits row 0 holds
  std::atomic<bool> cancel{false};
  std::function<void(int, int)> progress;

  Impl(const Model& m, const SessionOptions& o)
      : model(m),
        options(o),
        sizes(choose_sizes(m.data(), o)),
        memories(new_memories()),
        ws(m.data().config,
           {sizes.batch, std::max(sizes.threads, sizes.prefill_threads), panel_scratch(m.data().weights),
            memories.scratch_bytes(), memories.most_parts(), far_positions(sizes.plan).used}),
        positions(m.data().config, m.data().weights, o, far_positions(sizes.plan), sizes.context),
        team(sizes.threads),
        logits(std::size_t(m.data().config.vocab)) {
    if (sizes.prefill_threads != sizes.threads) other_team.emplace(sizes.prefill_threads);
    memories.reserve();
  }

  const ModelData& data() const { return model.data(); }
  Team& prefill_team() noexcept { return other_team ? *other_team : team; }
  Memories new_memories() const {
    return {data().config, data().weights, options, sizes.plan, sizes.context, sizes.batch};
  }

  Step step(const Worker& worker, Stop& stop, std::span<const Token> batch, int position) {
    return {data().config, data().weights, *data().kernels, positions,         memories, ws,
            worker,        stop,           batch.data(),    int(batch.size()), position};
  }

  void check(std::span<const Token> added) const {
    if (added.empty()) throw Error(Errc::range, "no tokens to feed; at least one is needed");
    if (added.size() > std::size_t(sizes.context) - tokens.size()) {
      throw Error(Errc::context_full,
                  fmt::format("{} tokens do not fit: the context holds {}, of which {} are used",
                              added.size(), sizes.context, tokens.size()));
    }
    for (std::size_t i = 0; i < added.size(); ++i) {
      if (added[i] < 0 || added[i] >= data().config.vocab) {
        throw Error(Errc::range,
                    fmt::format("token {} at index {} must be 0..{}", added[i], i, data().config.vocab - 1));
      }
    }
  }

  void compute_logits(int position) {
    if (position < remembered && memories.reaches(position)) {
      const Token again = tokens[std::size_t(position)];
      run({&again, 1}, position, {}, true);
      return;
    }
    const Feeding guard(*this);
    go_back(position);
    try {
      catch_up(position + 1, {}, position + 1 - remembered);
    } catch (...) {
      go_back(remembered);
      throw;
    }
  }

  void stop_if(bool stopped) const {
    if (stopped) throw Error(Errc::cancelled, "the computation was cancelled");
  }

  // Computes one batch at `position`. Logits go to `visit`, each token's in turn, where there is one; else
  // the last token's are kept when `last`.
  void run(std::span<const Token> batch, int position,
           const std::function<void(int, std::span<const float>)>& visit, bool last) {
    logits_position = -1;
    Stop stop{cancel};
    const int n = int(batch.size());
    memories.will_write(position + n);
    (n > kDecodeTokens ? prefill_team() : team).run([&](const Worker& w) {
      const Step s = step(w, stop, batch, position);
      if (forward(s) && last && !visit) output_logits(s, n - 1, 1, logits.data());
    });
    stop_if(stop.heeded.load());
    if (last && !visit) logits_position = position + n - 1;
    if (visit) visit_rows(batch, position, visit);
  }

  void visit_rows(std::span<const Token> batch, int position,
                  const std::function<void(int, std::span<const float>)>& visit) {
    const auto vocab = std::size_t(data().config.vocab);
    logits.resize(vocab * kLogitRows);
    const int n = int(batch.size());
    for (int first = 0; first < n; first += kLogitRows) {
      const int rows = std::min(kLogitRows, n - first);
      Stop stop{cancel};
      team.run([&](const Worker& w) {
        output_logits(step(w, stop, batch, position), first, rows, logits.data());
      });
      stop_if(stop.heeded.load());
      for (int r = 0; r < rows; ++r)
        visit(position + first + r, std::span(logits).subspan(std::size_t(r) * vocab, vocab));
    }
  }

  void feed(std::span<const Token> given, const std::function<void(int, std::span<const float>)>& visit) {
    const std::vector<Token> added(given.begin(), given.end());  // `given` may be a part of `tokens`
    check(added);
    const std::size_t before = tokens.size();
    const int total = int(before + added.size()) - remembered;
    const Feeding guard(*this);
    try {
      tokens.insert(tokens.end(), added.begin(), added.end());
      catch_up(int(before), {}, total);
      // A few tokens, or those whose logits are all looked at, as guesses are, begin nothing new.
      if (added.size() > kDecodeTokens && !visit) memories.keep(int(before), true);
      catch_up(int(tokens.size()), visit, total);
    } catch (...) {
      tokens.resize(before);
      go_back(int(before));
      throw;
    }
  }

  // Batches as in catch_up(), so that memories change where they would.
  void pretend(std::span<const Token> given) {
    const std::vector<Token> added(given.begin(), given.end());
    check(added);
    const std::size_t before = tokens.size();
    const Feeding guard(*this);
    try {
      catch_up(int(before), {}, int(before) - remembered);
      logits_position = -1;
      tokens.insert(tokens.end(), added.begin(), added.end());
      while (remembered < int(tokens.size())) {
        stop_if(cancel.load());
        const int n = std::min(int(tokens.size()) - remembered, sizes.batch);
        const std::span batch = std::span(tokens).subspan(std::size_t(remembered), std::size_t(n));
        Stop stop{cancel};
        memories.keep(remembered, false);
        memories.will_write(remembered + n);
        prefill_team().run([&](const Worker& w) { remember_at_random(step(w, stop, batch, remembered)); });
        remembered += n;
      }
      memories.keep(remembered, true);
    } catch (...) {
      tokens.resize(before);
      go_back(int(before));
      throw;
    }
  }

  // Computes what the memories do not hold of the first `size` tokens. Only what is visited, and the last of
  // all tokens, gets logits.
  void catch_up(int size, const std::function<void(int, std::span<const float>)>& visit, int total) {
    while (remembered < size) {
      stop_if(cancel.load());
      const int n = std::min(size - remembered, sizes.batch);
      memories.keep(remembered, false);
      run(std::span(tokens).subspan(std::size_t(remembered), std::size_t(n)), remembered, visit,
          remembered + n == size);
      remembered += n;
      if (progress) progress(total - (int(tokens.size()) - remembered), total);
    }
  }

  StateOwner owner() const { return state_owner(data(), options, sizes.plan, sizes.context, sizes.batch); }

  void restore(const std::string& path) {
    RestoredState state =
        read_state(path, owner(), {data().config.vocab, sizes.context}, [this] { return new_memories(); });
    memories = std::move(state.memories);
    tokens = std::move(state.text.tokens);
    remembered = state.text.remembered;
    logits_position = -1;
  }

  void go_back(int size) { remembered = memories.go_back(std::min(size, remembered)); }

  // A callback of a feed that called back into the session would change what the feed still needs.
  bool feeding = false;
  void refuse_reentry() const {
    if (feeding)
      throw Error(Errc::busy, "the session is feeding or generating tokens; callbacks must not use it");
  }
  struct Feeding {
    Impl& impl;
    explicit Feeding(Impl& i) : impl(i) { impl.feeding = true; }
    ~Feeding() { impl.feeding = false; }
  };
};

Session::Session(const Model& model, const SessionOptions& options)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(model, options); })) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::span<const float> Session::feed(std::span<const Token> tokens) {
  feed(tokens, {});
  return logits(size() - 1);
}

void Session::feed(std::span<const Token> tokens,
                   const std::function<void(int, std::span<const float>)>& visit) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->feed(tokens, visit); });
}

void Session::pretend(std::span<const Token> tokens) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->pretend(tokens); });
}

// A token fed again at its old position sees the same keys and writes the same ones: the memories are a
// function of the tokens alone. Where they have let go of that position, they go back, and the next feed
// computes again what lies between.
std::span<const float> Session::logits(int position) {
  live(impl_).refuse_reentry();
  if (position < 0 || position >= size()) {
    throw Error(Errc::range, fmt::format("position {} has no logits, must be 0..{}", position, size() - 1));
  }
  if (impl_->logits_position != position) {
    translate_memory_errors([&] { impl_->compute_logits(position); });
  }
  return std::span(impl_->logits).first(std::size_t(impl_->data().config.vocab));
}

void Session::rewind(int size) {
  live(impl_).refuse_reentry();
  if (size < 0 || size > this->size())
    throw Error(Errc::range, fmt::format("cannot rewind to {} tokens, must be 0..{}", size, this->size()));
  impl_->tokens.resize(std::size_t(size));
  impl_->go_back(size);
  if (impl_->logits_position >= size) impl_->logits_position = -1;
}

int Session::rewind_cost(int size) const noexcept {
  if (!impl_) return 0;
  const int at = std::clamp(size, 0, this->size());
  return at - std::min(at, impl_->memories.back_from(std::min(at, impl_->remembered)));
}

void Session::save_state(const std::string& path) const {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] {
    write_state(path, impl_->owner(), {impl_->tokens, impl_->remembered}, impl_->memories);
  });
}

void Session::restore_state(const std::string& path) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->restore(path); });
}

std::uint64_t Session::state_bytes() const {
  live(impl_);
  return translate_memory_errors([&] {
    return longhand::state_bytes(impl_->owner(), {impl_->tokens, impl_->remembered}, impl_->memories);
  });
}

void Session::refuse_use(bool refuse) noexcept {
  if (impl_) impl_->feeding = refuse;
}
int Session::size() const noexcept { return impl_ ? int(impl_->tokens.size()) : 0; }
int Session::context() const noexcept { return impl_ ? impl_->sizes.context : 0; }
int Session::threads() const noexcept { return impl_ ? impl_->sizes.threads : 0; }
std::span<const Token> Session::tokens() const noexcept {
  return impl_ ? std::span<const Token>(impl_->tokens) : std::span<const Token>();
}
std::uint64_t Session::bytes() const noexcept {
  return impl_ ? impl_->memories.bytes() + impl_->ws.bytes() : 0;
}
const Model& Session::model() const { return live(impl_).model; }
bool Session::context_was_cut() const noexcept { return impl_ && impl_->sizes.cut; }
void Session::cancel() noexcept {
  if (impl_) impl_->cancel.store(true);
}
void Session::clear_cancel() noexcept {
  if (impl_) impl_->cancel.store(false);
}
void Session::on_progress(std::function<void(int, int)> callback) {
  live(impl_).progress = std::move(callback);
}

}  // namespace longhand
