// Where C meets C++: exceptions become statuses, structs of other versions become ours, and callbacks of the
// caller are kept from throwing into the engine.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/longhand.h"
#include "engine/longhand_c.h"

namespace longhand::c_api {

/// A failure that only callers in C can cause.
struct Refusal {
  lh_status status;
  std::string message;
};

/// Callers in C may pass any number as an enumerator; reading one that is none is undefined.
template <class Enum>
int number_of(const Enum& enumerator) noexcept {
  return std::bit_cast<int>(enumerator);
}

/// Writes `message` and returns `status`. `error` may be null.
lh_status report(lh_error* error, lh_status status, std::string_view message) noexcept;

/// The status of the exception being handled.
lh_status report_current(lh_error* error) noexcept;

/// f(), with whatever it throws as a status.
template <class Function>
lh_status guarded(lh_error* error, const Function& f) noexcept {
  try {
    f();
    return LH_OK;
  } catch (...) { return report_current(error); }
}

/// `*pointer`. Throws Refusal, naming the argument, where it is null.
template <class T>
T& need(T* pointer, const char* what) {
  if (pointer == nullptr) throw Refusal{LH_E_ARGUMENT, fmt::format("{} is NULL", what)};
  return *pointer;
}

/// Clears the place for a new handle, so that no failure leaves rubbish in it.
template <class Handle>
Handle*& place_for(Handle** place, const char* what) {
  need(place, what) = nullptr;
  return *place;
}

/// Far more than a struct of any version takes; a struct nobody has filled in rarely claims less.
inline constexpr std::size_t kLargestStruct = 4096;

/// Throws Refusal where `size` cannot be that of any version of the struct T.
template <class T>
void check_size(std::size_t size, const char* what) {
  static_assert(sizeof(T) <= kLargestStruct / 4);
  if (size < sizeof(std::size_t) || size > kLargestStruct || size % alignof(T) != 0) {
    throw Refusal{LH_E_ARGUMENT,
                  fmt::format("{}: size is {}, must be that of the struct ({} here)", what, size, sizeof(T))};
  }
}

/// Puts the first `size` bytes, `given`, of a caller's struct over `ours`. Throws Refusal where a newer
/// struct asks for what this version does not have.
template <class T>
void overlay(T& ours, const void* given, std::size_t size, const char* what) {
  check_size<T>(size, what);
  const auto* bytes = static_cast<const unsigned char*>(given);
  if (size > sizeof(T) && std::any_of(bytes + sizeof(T), bytes + size, [](auto byte) { return byte != 0; })) {
    throw Refusal{LH_E_ARGUMENT,
                  fmt::format("{} uses fields that this version of the library does not have", what)};
  }
  std::memcpy(&ours, given, std::min(size, sizeof(T)));
}

/// Fills in as much of the caller's struct as it has.
template <class T>
void write_result(T* place, const T& result) {
  const std::size_t size = place->size;
  std::memcpy(place, &result, std::min(size, sizeof(T)));
  place->size = size;
}

/// Says that `size` elements come. Throws Refusal (LH_E_BUFFER) where they do not fit.
template <class Buffer>
void make_room(Buffer& buffer, std::size_t size) {
  buffer.size = size;
  if (size <= buffer.capacity) return;
  throw Refusal{LH_E_BUFFER,
                fmt::format("the buffer has room for {} elements, {} are needed", buffer.capacity, size)};
}

/// `values` in the caller's buffer. Throws Refusal (LH_E_BUFFER) where it is too small.
template <class Buffer, class Values>
void write_buffer(Buffer& buffer, const Values& values) {
  make_room(buffer, values.size());
  if (values.size() == 0) return;
  using Element = std::remove_cvref_t<decltype(*std::begin(values))>;
  Element& first = need(static_cast<Element*>(buffer.data), "the buffer's data");
  std::copy(std::begin(values), std::end(values), &first);
}

/// The elements of a view or an array. Throws Refusal where there should be some behind a null pointer.
template <class T>
std::span<const T> elements(const T* data, std::size_t size, const char* what) {
  if (size > 0) need(data, what);
  return {data, size};
}
inline std::string_view text_of(lh_text text, const char* what) {
  const auto all = elements(text.data, text.size, what);
  return {all.data(), all.size()};
}
inline std::span<const std::byte> bytes_of(lh_bytes bytes, const char* what) {
  return elements(static_cast<const std::byte*>(bytes.data), bytes.size, what);
}
inline std::span<const Token> tokens_of(lh_tokens tokens) {
  return elements(tokens.data, tokens.size, "tokens.data");
}
inline std::string string_or_empty(const char* text) { return text == nullptr ? std::string() : text; }

/// The caller's side of one call: whether a callback of it has thrown.
class Callbacks {
 public:
  /// False where `call` asks to stop, by what it returns or by throwing.
  template <class Call>
  bool goes_on(const Call& call) noexcept {
    try {
      return call() == 0;
    } catch (...) {
      threw_ = true;
      return false;
    }
  }
  /// The same, but what the callback throws ends the call. Throws Refusal (LH_E_CALLBACK).
  template <class Call>
  bool goes_on_unless_thrown(const Call& call) {
    const bool on = goes_on(call);
    if (threw_) refuse();
    return on;
  }
  /// Stops a computation that knows no other way.
  template <class Call>
  void stop_unless(const Call& call) {
    if (!goes_on(call)) throw Error(Errc::cancelled, "stopped by a callback");
  }
  /// f(). Throws Refusal, whatever f made of it, where a callback has thrown.
  template <class Function>
  void run(const Function& f) {
    threw_ = false;
    try {
      f();
    } catch (...) {
      if (!threw_) throw;
    }
    if (threw_) refuse();
  }

 private:
  [[noreturn]] static void refuse() { throw Refusal{LH_E_CALLBACK, "a callback threw an exception"}; }

  bool threw_ = false;
};

/// Lets one call at a time use a handle.
class InUse {
 public:
  /// Throws Refusal (LH_E_BUSY).
  InUse(std::atomic<bool>& flag, const char* what) : flag_(flag) {
    if (flag.exchange(true, std::memory_order_acquire))
      throw Refusal{LH_E_BUSY, fmt::format("the {} is in use by another call", what)};
  }
  ~InUse() { flag_.store(false, std::memory_order_release); }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  std::atomic<bool>& flag_;
};

}  // namespace longhand::c_api
