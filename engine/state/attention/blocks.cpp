#include "engine/state/attention/blocks.h"

#include <algorithm>

#include "engine/state/cache_rows.h"

namespace longhand {

// While a batch is stored, its first query may still look back two blocks.
Blocks::Blocks(const MemorySite& s)
    : kv_(s.kv),
      window_(s.plan.window),
      sinks_(s.plan.sinks),
      far_(s.plan.far),
      chunks_(chunks_for(2 * std::int64_t{window_} + s.batch, s.context)),
      last_(chunks_, s.core.kv_heads, kv_),
      first_(sinks_ > 0, s.core.kv_heads, kv_),
      taken_(std::size_t(s.core.kv_heads)) {}

std::uint64_t Blocks::bytes() const noexcept {
  return last_.bytes() + first_.bytes() + summary_bytes() + taken_.size() * sizeof(int);
}

void Blocks::reserve() {
  for (Exact* e : {&last_, &first_}) {
    for (TokenStore* s : {&e->plain, &e->turned, &e->values}) s->reserve();
  }
  reserve_summary();
}

void Blocks::store(const NewToken& t) noexcept {
  const bool sink = t.position < sinks_;
  plain(last_).put_key(t, t.key);
  if (sink) plain(first_).put_key(t, t.key);
  if (!sink) refine_near(t);
  t.rotate(t.key, t.turn);
  turned(last_).put(t);
  if (sink) turned(first_).put(t);
}

// The first key that queries at `position` see exactly, sinks aside.
int Blocks::exact_from(int position) const noexcept { return std::max(0, position / window_ - 1) * window_; }

int Blocks::same_until(int begin, int end) const noexcept {
  return int(std::min<std::int64_t>(end, (std::int64_t{begin} / window_ + 1) * window_));
}

bool Blocks::changes_at(int position) const noexcept {
  return position > 0 && exact_from(position) != exact_from(position - 1);
}

void Blocks::change(int position, const Worker& worker, const Kernels& kernels,
                    const WorkerScratch& scratch) noexcept {
  const Range heads = worker.split(std::int64_t(taken_.size()));
  for (std::int64_t h = heads.begin; h < heads.end; ++h) {
    int& taken = taken_[std::size_t(h)];
    const int to = exact_from(position);
    for (; taken < to; taken += window_) take_in({kernels, scratch, int(h), taken, taken + window_});
  }
}

// Sinks as seen from afar and as seen from near, then the summary.
int Blocks::old_parts(Queries q) const noexcept {
  return exact_from(q.begin) == 0 ? 0 : (sinks_ > 0 ? 2 : 0) + summary_parts();
}

int Blocks::parts(Queries q) const noexcept {
  return old_parts(q) + (q.end - 1) / kAttendKeys - exact_from(q.begin) / kAttendKeys + 1;
}

int Blocks::most_parts() const noexcept { return 2 + summary_parts() + chunks_; }

void Blocks::attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept {
  const int old = old_parts(q), of_sinks = sinks_ > 0 ? 2 : 0;
  if (part < old && part < of_sinks) return attend_sinks(tile, part == 0, to);
  if (part < old) return attend_summary(tile, part - of_sinks, to);
  const int from = exact_from(q.begin);
  const auto since = [from](int) { return from; };
  const Keys keys = turned(last_).at(tile.kv_head, (from / kAttendKeys + part - old) * kAttendKeys);
  attend_keys(tile, tile.query, keys, seen(tile, since, to_itself), to);
}

// Sinks stand at their true distance up to the far distance, and then there.
void Blocks::attend_sinks(const Tile& tile, bool far, const Partials& to) const noexcept {
  const auto end = [this](int i) { return std::min(sinks_, exact_from(i)); };
  const auto border = [&](int i) { return std::clamp(i - far_, 0, end(i)); };
  if (far) {
    attend_keys(tile, tile.far_query, plain(first_).at(tile.kv_head, 0), seen(tile, from_start, border), to);
  } else {
    attend_keys(tile, tile.query, turned(first_).at(tile.kv_head, 0), seen(tile, border, end), to);
  }
}

void Blocks::key_of(int head, int position, float* key) const noexcept {
  read_key(kv_, view_of(kv_, last_.plain, last_.values, head, position), position % kAttendKeys, key);
}

void Blocks::value_of(int head, int position, float* value) const noexcept {
  read_value(kv_, view_of(kv_, last_.plain, last_.values, head, position), position % kAttendKeys, value);
}

bool Blocks::reaches(int size, int written) const noexcept {
  return taken_[0] <= exact_from(size) && taken_[0] >= last_.plain.oldest(written);
}

void Blocks::live(int size, const VisitBytes& visit) {
  visit(reinterpret_cast<std::byte*>(taken_.data()), taken_.size() * sizeof(int));
  for (TokenStore* s : {&last_.plain, &last_.turned, &last_.values}) s->live(taken_[0], size, visit);
  live_summary(visit);
}

std::uint64_t Blocks::most_live() const noexcept {
  const std::int64_t tokens = 2 * std::int64_t{window_};
  return taken_.size() * sizeof(int) + last_.plain.most_live(tokens) + last_.turned.most_live(tokens) +
         last_.values.most_live(tokens) + summary_bytes();
}

// A damaged count may name the wrong pieces, but never bytes outside the buffers.
void Blocks::held(int size, int, const VisitBytes& visit) {
  visit(reinterpret_cast<std::byte*>(taken_.data()), taken_.size() * sizeof(int));
  const int from = std::clamp(taken_[0], 0, size);
  for (TokenStore* s : {&last_.plain, &last_.turned, &last_.values}) s->live(from, size, visit);
  for (TokenStore* s : {&first_.plain, &first_.turned, &first_.values})
    s->live(0, std::min(size, sinks_), visit);
  live_summary(visit);
  held_summary(size, visit);
}

// The last queries were those before `size`; after going back there may have been later ones.
bool Blocks::sound(int size) const noexcept {
  const int taken = taken_[0];
  if (taken != exact_from(size) && taken != exact_from(std::max(0, size - 1))) return false;
  for (std::size_t h = 0; h < taken_.size(); ++h) {
    if (taken_[h] != taken || !sound_summary(int(h), taken)) return false;
  }
  return true;
}

void Blocks::clear() noexcept {
  std::fill(taken_.begin(), taken_.end(), 0);
  clear_summary();
}

}  // namespace longhand
