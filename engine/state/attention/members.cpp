#include "engine/state/attention/members.h"

#include <algorithm>

namespace longhand {

void Members::reserve() {
  next_ = Buffer(std::size_t(heads_) * std::size_t(context_) * sizeof(int));
  ends_ = Buffer(ends_bytes());
  clear();
}

void Members::clear() noexcept { std::fill_n(ends_.as<Ends>(), ends_bytes() / sizeof(Ends), Ends{-1, -1}); }

void Members::held(int size, const VisitBytes& visit) {
  for (int h = 0; h < heads_ && context_ > 0; ++h)
    visit(reinterpret_cast<std::byte*>(next(h)), std::size_t(size) * sizeof(int));
}

int Members::size(int head, int code, int tokens) const noexcept {
  const Ends& e = ends(head, code);
  if (e.first < 0) return 0;
  int token = e.first;
  for (int n = 1; n <= tokens && token >= 0 && token < tokens; ++n, token = next(head)[token]) {
    if (token == e.last) return n;
  }
  return -1;
}

void Members::add(int head, int code, int token) noexcept {
  if (context_ == 0) return;
  Ends& e = ends(head, code);
  if (e.first < 0) {
    e.first = token;
  } else {
    next(head)[e.last] = token;
  }
  e.last = token;
}

void Members::join(int head, int from, int to) noexcept {
  if (context_ == 0) return;
  Ends &a = ends(head, from), &b = ends(head, to);
  if (a.first >= 0) {
    if (b.first < 0) {
      b.first = a.first;
    } else {
      next(head)[b.last] = a.first;
    }
    b.last = a.last;
  }
  a = {-1, -1};
}

}  // namespace longhand
