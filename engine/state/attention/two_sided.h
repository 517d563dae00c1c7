// All keys for ever: the last ones at their true distance, all others as far queries see them. Where nothing
// is far as long as the text is short, queries up to some position see everything at its true distance.
#pragma once

#include <algorithm>

#include "engine/state/attention/kinds.h"
#include "engine/state/attention/kv_store.h"

namespace longhand {

/// Base of the memories that turn near and far keys differently. Far keys stay for the whole text, near ones
/// are a second copy of the last keys, and of the first ones where they are not to become far at once; values
/// are stored once.
class TwoSided : public AttentionState {
 public:
  /// Queries before position `all_near` see no key from afar.
  explicit TwoSided(const MemorySite& site, int all_near = 0);

  std::uint64_t bytes() const noexcept override;
  void reserve() override;
  /// Gives all memory back; reserve() before anything else.
  void release() noexcept;
  void store(const NewToken& token) noexcept override;
  int parts(Queries q) const noexcept override;
  int most_parts() const noexcept override;
  void attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept override;
  bool reaches(int size, int written) const noexcept override;
  void live(int size, const VisitBytes& visit) override;
  void held(int size, int written, const VisitBytes& visit) override;
  std::uint64_t most_live() const noexcept override { return near_keys_.most_live(window_); }

 protected:
  /// Turns a new key as it is seen from afar.
  virtual void turn_far(const NewToken& token, float* key) const noexcept = 0;

 private:
  int near_from(int i) const noexcept { return i < all_near_ ? 0 : std::max(0, i - window_ + 1); }
  // The part of the near keys from `from` on that leaves when the text grows.
  int passing_from(int from) const noexcept { return std::max(from, first_); }

  int far_parts(Queries q) const noexcept { return (near_from(q.end - 1) + kAttendKeys - 1) / kAttendKeys; }

  KvStore far() const noexcept { return {kv_, far_keys_, values_}; }
  KvStore near(int position) const noexcept {
    return {kv_, position < first_ ? first_keys_ : near_keys_, values_};
  }

  KvShape kv_;
  int window_, all_near_, chunks_, near_chunks_;
  int first_;  // tokens whose near keys stay: all_near_ in whole chunks
  TokenStore far_keys_, first_keys_, near_keys_, values_;
};

/// rerope, but for queries before position `all_near`, which see all keys at their true distance.
std::unique_ptr<TwoSided> make_rerope_until(const MemorySite& site, int all_near);

}  // namespace longhand
