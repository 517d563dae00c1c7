// Keys and values that belong together: two stores, and the form of what is in them. Where values are part of
// their keys, their store is empty.
#pragma once

#include "engine/state/attention/attention_state.h"

namespace longhand {

/// Refers to what a memory owns.
class KvStore {
 public:
  KvStore(const KvShape& shape, const TokenStore& keys, const TokenStore& values) noexcept
      : shape_(shape), keys_(keys), values_(values) {}

  /// One head's part of the chunk whose first token is `start`.
  Keys at(int head, int start) const noexcept {
    return {view_of(shape_, keys_, values_, head, start), shape_.keys, shape_.values, start};
  }
  void put(const NewToken& t) const noexcept {
    put_key(t, t.key);
    if (!shape_.apart()) return;
    t.kernels.store_value[int(shape_.values)](view(t), t.position % kAttendKeys, t.value);
  }
  /// `key` in place of the token's own, and no value.
  void put_key(const NewToken& t, const float* key) const noexcept {
    t.kernels.store_key[int(shape_.keys)](view(t), t.position % kAttendKeys, key);
  }

 private:
  KvView view(const NewToken& t) const noexcept {
    return view_of(shape_, keys_, values_, t.kv_head, t.position);
  }

  const KvShape& shape_;
  const TokenStore &keys_, &values_;
};

}  // namespace longhand
