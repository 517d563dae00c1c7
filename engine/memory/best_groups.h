// Old tokens read exactly where it pays: each query looks at the summary first, then at every single token of
// the codes it likes best. All keys and values stay in memory for this.
#pragma once

#include "engine/memory/far_keys.h"
#include "engine/memory/kinds.h"
#include "engine/memory/members.h"

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

  void store(const NewToken& token) noexcept;
  void add(int head, int code, int position) noexcept { members_.add(head, code, position); }
  void join(int head, int from, int to) noexcept { members_.join(head, from, to); }

  /// Attention over the codes `far`, seen by `queries`, some of which are replaced by their tokens.
  void attend(const Tile& tile, const FarKeys& far, const QueryRows& queries, std::byte* scratch,
              const Partials& to) const noexcept;

 private:
  int choose(const FarKeys& far, int head, float* weights, int* codes) const noexcept;
  int gather(const KvView& to, int head, const int* codes, int n, float* key) const noexcept;

  KvShape kv_, exact_;
  int budget_, codes_;
  TokenStore keys_, values_;
  Members members_;
};

}  // namespace longhand
