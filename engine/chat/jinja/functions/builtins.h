// Filters, tests, methods and global functions a template may call.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

using Filter = Value (*)(Render&, const Value& subject, const Arguments&);
using Test = bool (*)(Render&, const Value& subject, const Arguments&);
using Method = Value (*)(Render&, const Value& self, const Arguments&);

template <class Function>
struct Named {
  std::string_view name;
  Function function;
};

/// nullptr when there is none of that name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);
/// A method of str, dict, list, tuple, int or float.
Method find_method(Kind kind, std::string_view name);
/// Methods that change their object: blocked unless RenderOptions::mutable_data.
bool changes_object(Kind kind, std::string_view name);
/// range, namespace, dict, cycler, joiner, raise_exception and, when a time was given,
/// strftime_now; undefined when there is none.
Value find_global(Render& render, std::string_view name);

/// Arguments sorted to parameters: bound[i] is the value given for names[i], or null.
class Bound {
 public:
  static constexpr std::size_t kMax = 6;
  /// Throws for too many, unknown or doubly given arguments, and when one of the first `required` is absent.
  Bound(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names,
        std::size_t required = 0);
  const Value* operator[](std::size_t i) const { return values_[i]; }
  /// Typed access; the fallback stands in when the argument was not given.
  std::int64_t integer(std::size_t i, std::int64_t fallback) const;
  bool flag(std::size_t i, bool fallback) const;
  /// Throws unless the argument is a string. Empty fallback text when absent.
  const Text& text(std::size_t i) const;
  bool given(std::size_t i) const { return values_[i] != nullptr && !values_[i]->is(Kind::none); }

 private:
  std::string_view function_;
  std::array<const Value*, kMax> values_{};
  std::array<std::string_view, kMax> names_{};
};

}  // namespace longhand::jinja
