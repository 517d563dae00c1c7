// A running text: feeding tokens in batches, rewinding, logits of any position.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "engine/api/runner_impl.h"
#include "engine/api/session_impl.h"
#include "engine/longhand.h"
#include "engine/state/state_file.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

// What a session works with. Throws Error (missing) where it was moved from.
template <class Impl>
Impl& live(const std::unique_ptr<Impl>& impl) {
  if (!impl) throw Error(Errc::missing, "the session was moved from: it has no text");
  return *impl;
}

// A model that predicts tokens.
const Model& continuing(const Model& model) {
  if (!model_data(model).config.embeds()) return model;
  throw Error(Errc::unsupported,
              fmt::format("{}: makes vectors or scores of texts and predicts no tokens (architecture '{}')",
                          model_data(model).file.name(), model_data(model).file.architecture()));
}

}  // namespace

Session::Impl::Impl(const Model& m, const SessionOptions& o)
    : model(continuing(m)),
      sequence(model_data(m), o),
      runner(std::make_shared<PassRunner>(model_data(m), sequence.sizes.threads, sequence.needs())) {
  logits.resize(std::size_t(model_data(m).config.vocab));
}

Session::Impl::Impl(const Model& m, const SessionOptions& o, std::shared_ptr<PassRunner> shared)
    : model(continuing(m)), sequence(model_data(m), o), runner(std::move(shared)) {
  WorkspaceSizes needs = sequence.needs();
  needs.rows = runner->rows();  // a long prompt takes more passes instead
  runner->fit(needs);
  logits.resize(std::size_t(model_data(m).config.vocab));
}

Session::Impl::Impl(const Impl& other)
    : model(other.model),
      sequence(other.sequence),
      runner(other.runner),
      logits(other.logits),
      logits_position(other.logits_position) {}

void Session::Impl::stop_if(bool stopped) const {
  if (stopped) throw Error(Errc::cancelled, "the computation was cancelled");
}

// Computes `batch` at `position`. What is wanted of each token in turn goes to the viewer, where there is
// one; else the logits of the last token are kept when `last`.
void Session::Impl::run(const Slice& slice, const Batch& batch, const Viewer& viewer, bool last) {
  logits_position = -1;
  std::vector<int> wanted;
  if (viewer.visit) {
    for (int row = 0; row < slice.rows; ++row) wanted.push_back(row);
  } else if (last) {
    wanted.push_back(slice.rows - 1);
  }
  Stop stop(cancel);
  if (viewer.visit && viewer.want == Want::hidden) {
    stop_if(!runner->run_hidden({{&slice, 1}, batch.tokens, {}, batch.inputs}, stop));
    for (const int row : wanted) viewer.visit(slice.position + row, runner->hidden(row));
    return;
  }
  PassRunner::Request request{{&slice, 1}, batch.tokens, wanted, batch.inputs};
  const auto log = hidden_log.lock();
  if (log) request.hidden = log->room(slice.rows);
  const bool done = runner->run(request, stop, [&](int i, std::span<const float> row) {
    if (viewer.visit) {
      viewer.visit(slice.position + i, row);
    } else {
      std::copy(row.begin(), row.end(), logits.begin());
    }
  });
  stop_if(!done);
  if (log) log->take(slice.position, slice.rows);
  if (last && !viewer.visit) logits_position = slice.position + slice.rows - 1;
}

void Session::Impl::compute_logits(int position) {
  const Feeding guard(*this);
  if (position < sequence.remembered && sequence.states.reaches(position)) {
    const Sequence::Again again(sequence, position);
    sequence.states.will_write(position, position + 1);
    run(again.slice, {{&again.token, 1}, again.inputs}, {}, true);
    return;
  }
  sequence.go_back(position);
  try {
    catch_up(position + 1, {}, position + 1 - sequence.remembered);
  } catch (...) {
    sequence.go_back(sequence.remembered);
    throw;
  }
}

void Session::Impl::feed(std::span<const Token> given, const Viewer& viewer) {
  const std::vector<Token> added(given.begin(),
                                 given.end());  // `given` may be a part of the session's tokens
  sequence.check(added);
  extend([&] { sequence.append(added); }, viewer);
}

void Session::Impl::feed(const Embeddings& given, const Viewer& viewer) {
  sequence.check(given);
  extend([&] { sequence.append(given); }, viewer);
}

void Session::Impl::extend(const std::function<void()>& append, const Viewer& viewer) {
  const std::size_t before = sequence.tokens.size();
  const Feeding guard(*this);
  try {
    append();
    const int total = int(sequence.tokens.size()) - sequence.remembered;
    catch_up(int(before), {}, total);
    if (viewer.guesses) sequence.states.keep_for_guesses(int(before));
    // A few tokens, or those whose logits are all looked at, as guesses are, begin nothing new.
    if (sequence.tokens.size() - before > kDecodeTokens && !viewer.visit)
      sequence.states.keep(int(before), true);
    catch_up(int(sequence.tokens.size()), viewer, total);
  } catch (...) {
    take_back(before);
    throw;
  }
}

// Batches as in catch_up(), so that states change where they would.
void Session::Impl::pretend(std::span<const Token> given) {
  const std::vector<Token> added(given.begin(), given.end());
  sequence.check(added);
  const std::size_t before = sequence.tokens.size();
  const Feeding guard(*this);
  try {
    catch_up(int(before), {}, int(before) - sequence.remembered);
    logits_position = -1;
    sequence.append(added);
    while (sequence.remembered < int(sequence.tokens.size())) {
      stop_if(cancel.load());
      const int n = std::min(int(sequence.tokens.size()) - sequence.remembered, batch());
      sequence.states.keep(sequence.remembered, false);
      const Slice slice = sequence.next_slice(n, 0);
      runner->remember_at_random({{&slice, 1}, sequence.next_tokens(n)}, cancel);
      sequence.remembered += n;
    }
    sequence.states.keep(sequence.remembered, true);
  } catch (...) {
    take_back(before);
    throw;
  }
}

// Computes what the states do not hold of the first `size` tokens. Only what is visited, and the last of all
// tokens, gets logits.
void Session::Impl::catch_up(int size, const Viewer& viewer, int total) {
  while (sequence.remembered < size) {
    stop_if(cancel.load());
    int n = std::min(size - sequence.remembered, batch());
    const float* inputs = sequence.next_inputs(&n);
    const bool last = sequence.remembered + n == size;
    // The end of a long text is what changes most often: the last batch can be computed again by itself.
    sequence.states.keep(sequence.remembered, last && n > kDecodeTokens && !viewer.visit);
    const Slice slice = sequence.next_slice(n, 0);
    const auto start = std::chrono::steady_clock::now();
    run(slice, {sequence.next_tokens(n), inputs}, viewer, last);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (n == 1) {
      watch_speed(taken.count());
    } else {
      speed = SpeedWatch(double(sequence.options.min_speed));  // only tokens written in a row count
    }
    sequence.remembered += n;
    if (progress) progress(total - (int(sequence.tokens.size()) - sequence.remembered), total);
  }
}

void Session::Impl::take_back(std::size_t size) {
  speed = SpeedWatch(double(sequence.options.min_speed));
  sequence.shorten(size);
  sequence.go_back(int(size));
}

StateOwner Session::Impl::owner() const {
  return state_owner(model_data(model), sequence.options, sequence.sizes.plan, sequence.sizes.context,
                     sequence.sizes.batch, sequence.adaptation.get());
}

void Session::Impl::adapt(std::shared_ptr<const Adaptation> next) {
  if (same(next.get(), sequence.adaptation.get())) return;
  if (!sequence.tokens.empty())
    throw Error(Errc::busy,
                fmt::format("the session holds {} tokens that were computed with other adapters or control "
                            "vectors: rewind it to 0 first",
                            sequence.tokens.size()));
  const std::shared_ptr<const Adaptation> before = std::exchange(sequence.adaptation, std::move(next));
  try {
    WorkspaceSizes needs = sequence.needs();
    needs.rows = runner->rows();
    runner->fit(needs);
  } catch (...) {
    sequence.adaptation = before;
    throw;
  }
}

void Session::Impl::restore(StateSource source) {
  RestoredState state =
      read_state(std::move(source), owner(), {sequence.model.config.vocab, sequence.sizes.context},
                 [this] { return sequence.new_states(); });
  sequence.states = std::move(state.memories);
  sequence.shorten(0);
  sequence.tokens = std::move(state.text.tokens);
  sequence.remembered = state.text.remembered;
  logits_position = -1;
}

void Session::Impl::refuse_reentry() const {
  if (feeding)
    throw Error(Errc::busy, "the session is feeding or generating tokens; callbacks must not use it");
}

// What a state holds of them could not be computed again.
void Session::Impl::refuse_embeddings() const {
  if (sequence.has_embeddings())
    throw Error(Errc::unsupported, "the text has embeddings in place of tokens: it cannot be saved");
}

void Session::Impl::refuse_embeddings_to_compute() const {
  int count = int(sequence.tokens.size()) - sequence.remembered;
  if (count > 0 &&
      (sequence.next_inputs(&count) != nullptr || count < int(sequence.tokens.size()) - sequence.remembered))
    throw Error(Errc::unsupported,
                "embeddings of the text must be computed again: feed the session by itself first");
}

Session::Session(const Model& model, const SessionOptions& options)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(model, options); })) {}
Session::Session(const Runner& runner, const SessionOptions& options)
    : impl_(translate_memory_errors([&] {
        return std::make_unique<Impl>(Access::impl(runner).model, options, Access::impl(runner).runner);
      })) {}
Session::Session(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Session Session::fork() const {
  live(impl_).refuse_reentry();
  return Session(translate_memory_errors([&] { return std::make_unique<Impl>(*impl_); }));
}

std::span<const float> Session::feed(std::span<const Token> tokens) {
  feed(tokens, {});
  return logits(size() - 1);
}

void Session::feed(std::span<const Token> tokens,
                   const std::function<void(int, std::span<const float>)>& visit, Want want) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->feed(tokens, {visit, want}); });
}

std::span<const float> Session::feed(const Embeddings& embeddings) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->feed(embeddings, {}); });
  return logits(size() - 1);
}

void Access::pretend(Session& session, std::span<const Token> tokens) {
  live(session.impl_).refuse_reentry();
  translate_memory_errors([&] { session.impl_->pretend(tokens); });
}

// A token fed again at its old position sees the same keys and writes the same ones: the states are a
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
  return impl_->logits;
}

void Session::rewind(int size) {
  live(impl_).refuse_reentry();
  if (size < 0 || size > this->size())
    throw Error(Errc::range, fmt::format("cannot rewind to {} tokens, must be 0..{}", size, this->size()));
  impl_->take_back(std::size_t(size));
  if (impl_->logits_position >= size) impl_->logits_position = -1;
}

void Session::set_adapters(std::span<const AdapterUse> adapters, std::span<const ControlUse> controls) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->adapt(make_adaptation(impl_->sequence.model, adapters, controls)); });
}

bool Session::cut(int from, int to) {
  live(impl_).refuse_reentry();
  if (from < 0 || from > to || to > size())
    throw Error(Errc::range,
                fmt::format("cannot take out tokens {} to {}, must be within 0..{}", from, to, size()));
  const bool done = from == to || translate_memory_errors([&] { return impl_->sequence.cut(from, to); });
  if (done && impl_->logits_position >= from) impl_->logits_position = -1;
  return done;
}

int Session::rewind_cost(int size) const noexcept {
  if (!impl_) return 0;
  const int at = std::clamp(size, 0, this->size());
  const Sequence& sequence = impl_->sequence;
  return at - std::min(at, sequence.states.back_from(std::min(at, sequence.remembered)));
}

void Session::save_state(const std::string& path) const {
  live(impl_).refuse_reentry();
  impl_->refuse_embeddings();
  const Sequence& sequence = impl_->sequence;
  translate_memory_errors([&] {
    write_state(path, impl_->owner(), {sequence.tokens, sequence.remembered}, sequence.states);
  });
}

void Session::save_state(std::span<std::byte> to) const {
  live(impl_).refuse_reentry();
  impl_->refuse_embeddings();
  const Sequence& sequence = impl_->sequence;
  translate_memory_errors([&] {
    write_state(to, impl_->owner(), {sequence.tokens, sequence.remembered}, sequence.states);
  });
}

std::vector<std::byte> Session::save_state() const {
  return translate_memory_errors([&] {
    std::vector<std::byte> state(std::uint64_t{state_bytes()});
    save_state(state);
    return state;
  });
}

void Session::restore_state(const std::string& path) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->restore(StateSource::of_file(path)); });
}

void Session::restore_state(std::span<const std::byte> state) {
  live(impl_).refuse_reentry();
  translate_memory_errors([&] { impl_->restore(StateSource::of_memory(state)); });
}

std::uint64_t Session::state_bytes() const {
  const Sequence& sequence = live(impl_).sequence;
  return translate_memory_errors([&] {
    return longhand::state_bytes(impl_->owner(), {sequence.tokens, sequence.remembered}, sequence.states);
  });
}

int Session::size() const noexcept { return impl_ ? int(impl_->sequence.tokens.size()) : 0; }
int Session::context() const noexcept { return impl_ ? impl_->sequence.sizes.context : 0; }
int Session::threads() const noexcept { return impl_ ? impl_->runner->threads() : 0; }
std::span<const Token> Session::tokens() const noexcept {
  return impl_ ? std::span<const Token>(impl_->sequence.tokens) : std::span<const Token>();
}
std::uint64_t Session::bytes() const noexcept {
  return impl_ ? impl_->sequence.states.bytes() + impl_->runner->bytes() : 0;
}
const Model& Session::model() const { return live(impl_).model; }
bool Session::context_was_cut() const noexcept { return impl_ && impl_->sequence.sizes.cut; }
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
