#include "engine/state/states.h"

#include <algorithm>
#include <limits>

#include "ops/error.h"

namespace longhand {

States::States(const ModelConfig& c, const Weights& w, const SessionOptions& o, const MemoryPlan& plan,
               int context, int batch)
    : states_(std::size_t(w.states)), attention_(std::size_t(w.states)), recurrent_(std::size_t(w.states)) {
  const auto put = [&](int number, std::unique_ptr<LayerState> state) {
    checkpoint_bytes_ += state->most_live();
    states_[std::size_t(number)] = std::move(state);
  };
  for (const LayerPlan& layer : w.layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      if (!core.stores) return;
      // A layer that sees only a window by its architecture keeps it, whatever the others remember.
      const MemoryPlan own = window_plan(core.window);
      const MemoryPlan& of_layer = core.window > 0 ? own : plan;
      const KvShape kv(o.key_cache, o.value_cache, core.head_dim, core.value_dim, core.value_in_key);
      const MemorySite site{of_layer, c.attention, core, kv, core.state, context, batch};
      auto state = core.ratio > 0 ? make_compressed(site)
                   : core.causal  ? of_layer.kind->make(site)
                                  : make_whole(site);
      attention_[std::size_t(core.state)] = state.get();
      put(core.state, std::move(state));
    });
    for_each_recurrent(layer, [&](const auto& block) {
      auto state = std::make_unique<RecurrentState>(block.conv.inputs(), block.state_values());
      recurrent_[std::size_t(block.state)] = state.get();
      put(block.state, std::move(state));
    });
  }
  checkpoints_.resize(forgets() ? std::size_t(plan.checkpoints) : 0);
}

void States::will_write(int from, int to) {
  for (const auto& state : states_) state->will_write(from, to);
  written_ = std::max(written_, to);
}

void States::reserve() {
  for (const auto& state : states_) state->reserve();
  for (Checkpoint& c : checkpoints_) c.bytes = Buffer(std::size_t(checkpoint_bytes_));
}

std::uint64_t States::bytes() const noexcept {
  std::uint64_t sum = checkpoints_.size() * checkpoint_bytes_ + guess_.bytes.size();
  for (const auto& state : states_) sum += state->bytes();
  return sum;
}

std::size_t States::scratch_bytes() const noexcept {
  std::size_t most = 0;
  for (const auto& state : states_) most = std::max(most, state->scratch_bytes());
  return most;
}

int States::most_parts() const noexcept {
  int most = 0;
  for (const AttentionState* state : attention_) {
    if (state != nullptr) most = std::max(most, state->most_parts());
  }
  return most;
}

bool States::reaches(int size) const noexcept {
  return size >= floor_ && std::all_of(states_.begin(), states_.end(),
                                       [&](const auto& state) { return state->reaches(size, written_); });
}

bool States::restores(int size) const noexcept {
  return std::ranges::all_of(states_, [&](const auto& state) { return state->restores(size); });
}

void States::condense(int position) noexcept {
  for (AttentionState* state : attention_) {
    if (state != nullptr) state->condense(position);
  }
}

int States::summary_from() const noexcept {
  int from = 0;
  for (const AttentionState* state : attention_) {
    if (state != nullptr) from = std::max(from, state->summary_from());
  }
  return from;
}

void States::live(int size, const VisitBytes& visit) {
  for (const auto& state : states_) state->live(size, visit);
}

bool States::can_cut() const noexcept {
  return std::ranges::all_of(
      attention_, [](const AttentionState* state) { return state != nullptr && state->can_cut(); });
}

void States::set_marks(Marks marks) noexcept {
  written_ = marks.written;
  floor_ = marks.floor;
}

void States::held(std::size_t state, int size, const VisitBytes& visit) {
  states_[state]->held(size, written_, visit);
}

bool States::sound(int size) const noexcept {
  return reaches(size) &&
         std::all_of(states_.begin(), states_.end(), [&](const auto& state) { return state->sound(size); });
}

void States::copy(States& from, int size) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i]->share(*from.states_[i])) continue;
    states_[i]->reserve();
    std::vector<const std::byte*> pieces;  // both visit the same ones in the same order
    from.held(i, size, [&](std::byte* piece, std::size_t) { pieces.push_back(piece); });
    auto piece = pieces.begin();
    states_[i]->held(size, from.written_,
                     [&](std::byte* to, std::size_t n) { std::copy_n(*piece++, n, to); });
  }
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    checkpoints_[i].size = from.checkpoints_[i].size;
    checkpoints_[i].bytes = Buffer(std::size_t(checkpoint_bytes_));
    if (checkpoints_[i].size > 0)
      std::copy_n(from.checkpoints_[i].bytes.data(), checkpoint_bytes_, checkpoints_[i].bytes.data());
  }
  set_marks(from.marks());
}

// A free checkpoint, or the one that is missed least: going back d tokens should cost in proportion to d, so
// what counts is the gap it leaves against how far back that is. The last one stays.
States::Checkpoint& States::free_checkpoint(int size) noexcept {
  std::size_t least = 0;
  double least_cost = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    if (checkpoints_[i].size == 0) return checkpoints_[i];
    if (i + 1 == checkpoints_.size()) break;
    const int before = i == 0 ? 0 : checkpoints_[i - 1].size, after = checkpoints_[i + 1].size;
    const double cost = double(after - before) / double(size - after);
    if (cost < least_cost) {
      least_cost = cost;
      least = i;
    }
  }
  std::rotate(checkpoints_.begin() + std::ptrdiff_t(least), checkpoints_.begin() + std::ptrdiff_t(least) + 1,
              checkpoints_.end());
  return checkpoints_.back();
}

void States::keep(int size, bool turn) noexcept {
  constexpr int kSpacing = 1024;  // tokens; a copy costs about as much as a few of them
  int last = 0;
  for (const Checkpoint& c : checkpoints_) last = std::max(last, c.size);
  if (checkpoints_.empty() || size <= last || (!turn && size - last < kSpacing)) return;
  save(free_checkpoint(size), size);
}

void States::save(Checkpoint& c, int size) noexcept {
  c.size = size;
  std::byte* to = c.bytes.data();
  live(size, [&](std::byte* from, std::size_t n) {
    std::copy_n(from, n, to);  // n may be 0, and then there need not be memory
    to += n;
  });
}

void States::keep_for_guesses(int size) noexcept {
  guess_.size = 0;
  if (size == 0 || std::ranges::none_of(recurrent_, [](const auto* state) { return state != nullptr; }))
    return;
  try {
    if (guess_.bytes.size() == 0) guess_.bytes = Buffer(std::size_t(checkpoint_bytes_));
  } catch (const Error&) { return; }
  save(guess_, size);
}

// Null where only the start of the text is.
const States::Checkpoint* States::last_before(int size) const noexcept {
  const Checkpoint* best = nullptr;
  const auto look = [&](const Checkpoint& c) {
    if (c.size > 0 && c.size <= size && (best == nullptr || c.size > best->size) && restores(c.size))
      best = &c;
  };
  for (const Checkpoint& c : checkpoints_) look(c);
  look(guess_);
  return best;
}

int States::back_from(int size) const noexcept {
  if (reaches(size)) return size;
  const Checkpoint* from = last_before(size);
  return from == nullptr ? 0 : from->size;
}

int States::go_back(int size) {
  // Another text may follow, to which later checkpoints do not belong.
  for (Checkpoint& c : checkpoints_) {
    if (c.size > size) c.size = 0;
  }
  if (guess_.size > size) guess_.size = 0;
  if (reaches(size)) return size;
  const Checkpoint* from = last_before(size);
  const int start = from == nullptr ? 0 : from->size;
  for (const auto& state : states_) state->clear();
  if (from != nullptr) {
    // Which pieces there are follows from what has left, which is the first piece of its layer.
    const std::byte* bytes = from->bytes.data();
    live(start, [&](std::byte* to, std::size_t n) {
      std::copy_n(bytes, n, to);
      bytes += n;
    });
  }
  written_ = floor_ = start;
  return start;
}

}  // namespace longhand
