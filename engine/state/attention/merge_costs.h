// Which codes are most alike. Joining n keys around a with m keys around b makes the sum of squared distances
// of keys from their codes grow by n m / (n + m) |a - b|^2 (Ward 1963): that is what a merge costs. For each
// code its cheapest partner is known, or at least what it cannot cost less than.
#pragma once

#include "engine/state/attention/attention_state.h"

namespace longhand {

class MergeCosts {
 public:
  static constexpr int kNone = -1;

  /// Who asks: a worker with scratch_bytes() of its own, about one head.
  struct Place {
    const Kernels& kernels;
    std::byte* scratch;
    int head;
  };
  struct Candidate {
    int code;
    float cost;  // infinite where there is no code
  };

  /// Allocates nothing yet.
  MergeCosts(int heads, int codes, int dim) noexcept;
  std::uint64_t bytes() const noexcept;
  std::size_t scratch_bytes() const noexcept;
  /// Throws Error(no_memory).
  void reserve();
  void clear() noexcept;
  void live(const VisitBytes& visit) const;
  /// Whether only the first `used` codes of a head are there, and have one another for partners.
  bool sound(int head, int used) const noexcept;

  /// Call before a head's first code: distances weigh dimension d by weights[d]. `near`: a vector like
  /// those to come; products of differences from it lose few digits.
  void begin(int head, const float* near, const float* weights) noexcept;
  /// A code stands for so many keys around `mean` from now on; relink() or link_key() must follow.
  void set(int head, int code, const float* mean, std::uint32_t keys) noexcept;
  /// Partners of a code are no longer what they were.
  void forget(int head, int code) noexcept;

  /// The cheapest code to join a single key with; remembers what each costs until the next call for any head.
  Candidate of_key(const Place& at, const float* key) const noexcept;
  /// Finds a code's partner, and whether it has become that of others, or no longer is.
  void relink(const Place& at, int code) noexcept;
  /// The same for a code that is now the key of_key() was asked about, where since then nothing has changed
  /// but a code `relinked` afterwards; kNone: nothing.
  void link_key(const Place& at, int code, int relinked = kNone) noexcept;
  /// A code whose merge with its partner is cheapest of all, where it costs less than `below`.
  Candidate tightest(const Place& at, float below) noexcept;
  int partner(int head, int code) const noexcept { return partners(head)[code]; }

 private:
  float* vectors(int head) const noexcept {
    return vectors_.as<float>() + std::int64_t{head} * padded_ * dim_;
  }
  float* row(const Buffer& of, int head) const noexcept {
    return of.as<float>() + std::int64_t{head} * padded_;
  }
  std::int32_t* partners(int head) const noexcept {
    return partners_.as<std::int32_t>() + std::int64_t{head} * padded_;
  }
  float* key_costs(const Place& at) const noexcept { return reinterpret_cast<float*>(at.scratch); }
  float* code_costs(const Place& at) const noexcept { return key_costs(at) + padded_; }
  float* point(const Place& at) const noexcept { return code_costs(at) + padded_; }

  float place(int head, const float* vector, float* point) const noexcept;
  void price(const Place& at, float keys, float half_norm, float* costs) const noexcept;
  void price_code(const Place& at, int code) const noexcept;
  Candidate least(const float* costs) const noexcept;
  void link(int head, int code, const float* costs) noexcept;

  int heads_, dim_, padded_;  // codes in whole panels; those that are not there cost infinitely much
  Buffer vectors_;            // (kv_heads) panels of F32 rows (codes, head_dim): weighted, seen from near_
  Buffer half_norms_;         // (kv_heads, codes) |vector|^2 / 2
  Buffer keys_;               // (kv_heads, codes) how many
  Buffer costs_;              // (kv_heads, codes) of joining the partner; where there is none, at least this
  Buffer partners_;           // (kv_heads, codes) or kNone
  Buffer near_, roots_;       // (kv_heads, head_dim); roots of the weights
};

}  // namespace longhand
