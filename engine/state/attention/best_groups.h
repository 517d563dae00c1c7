// Old tokens read exactly where it pays: each query looks at the summary first, then at every single token of
// the codes it likes best. All keys and values stay in memory for this.
#pragma once

#include "engine/state/attention/far_keys.h"
#include "engine/state/attention/kinds.h"
#include "engine/state/attention/members.h"

namespace longhand {

class BestGroups {
 public:
  /// Off when the plan reads no tokens exactly; then it takes no memory.
  explicit BestGroups(const MemorySite& site);
  bool on() const noexcept { return budget_ > 0; }

  std::uint64_t bytes() const noexcept { return keys_.bytes() + values_.bytes() + members_.bytes(); }
  std::size_t scratch_bytes() const noexcept;
  void reserve();
  void clear() noexcept { members_.clear(); }
  void live(const VisitBytes& visit) { members_.live(visit); }
  /// Of the first `size` tokens, what live() leaves out because it stays.
  void held(int size, const VisitBytes& visit) {
    for (TokenStore* s : {&keys_, &values_}) s->live(0, on() ? size : 0, visit);
    members_.held(size, visit);
  }
  /// See Members::size().
  int size(int head, int code, int tokens) const noexcept { return members_.size(head, code, tokens); }

  void store(const NewToken& token) noexcept;
  void add(int head, int code, int position) noexcept { members_.add(head, code, position); }
  void join(int head, int from, int to) noexcept { members_.join(head, from, to); }

  /// The codes there are, as queries see them, and of how many tokens each is.
  struct Summary {
    const FarKeys& far;
    const QueryRows& queries;
    const std::uint32_t* tokens;
  };
  /// Attention over the codes, some of which are replaced by their tokens.
  void attend(const Tile& tile, const Summary& summary, std::byte* scratch,
              const Partials& to) const noexcept;

 private:
  int choose(const std::uint32_t* tokens, float* weights, int* codes) const noexcept;
  int gather(const KvView& to, int head, const std::uint32_t* tokens, const int* chosen) const noexcept;
  KvView gathered(std::byte* scratch) const noexcept;

  KvShape kv_, rows_;  // rows_: of keys written as values are, so that one key is in one place
  int budget_, codes_;
  TokenStore keys_, values_;
  Members members_;
};

}  // namespace longhand
