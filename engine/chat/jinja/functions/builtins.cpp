// Binding of arguments, and the global functions.
#include "engine/chat/jinja/functions/builtins.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

Bound::Bound(std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> names, std::size_t required)
    : function_(function) {
  std::copy(names.begin(), names.end(), names_.begin());
  if (arguments.positional.size() > names.size()) {
    fail(fmt::format("{}() takes at most {} argument(s), got {}", function, names.size(),
                     arguments.positional.size()));
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto at = std::size_t(std::find(names.begin(), names.end(), name) - names.begin());
    if (at == names.size()) fail(fmt::format("{}() got an unexpected keyword argument '{}'", function, name));
    if (values_[at] != nullptr)
      fail(fmt::format("{}() got multiple values for argument '{}'", function, name));
    values_[at] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) fail(fmt::format("{}() is missing the argument '{}'", function, names_[i]));
  }
}

std::int64_t Bound::integer(std::size_t i, std::int64_t fallback) const {
  if (values_[i] == nullptr || values_[i]->is(Kind::none)) return fallback;
  if (!values_[i]->is_whole()) {
    fail(fmt::format("{}(): argument '{}' must be an integer, not {}", function_, names_[i],
                     type_name(*values_[i])));
  }
  return values_[i]->as_integer();
}

bool Bound::flag(std::size_t i, bool fallback) const {
  return values_[i] == nullptr ? fallback : truth(*values_[i]);
}

const Text& Bound::text(std::size_t i) const {
  static const Text kEmpty;
  if (values_[i] == nullptr) return kEmpty;
  if (!values_[i]->is(Kind::string)) {
    fail(
        fmt::format("{}(): argument '{}' must be str, not {}", function_, names_[i], type_name(*values_[i])));
  }
  return values_[i]->text();
}

// ---- globals ----------------------------------------------------------------------------------------------

namespace {

class Function : public Native {
 public:
  using Body = Value (*)(Render&, const Arguments&);
  explicit Function(Body body) : body_(body) {}
  std::string_view type_name() const override { return "function"; }
  Value call(Render& r, const Arguments& arguments) override { return body_(r, arguments); }

 private:
  Body body_;
};

class Namespace : public Native {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  bool callable() const override { return false; }
  bool attribute(Render& r, std::string_view name, Value& value) override {
    const Value* found = members_.find(r.heap, name);
    if (found != nullptr) value = *found;
    return found != nullptr;
  }
  bool set_attribute(Render& r, const Value& name, const Value& value) override {
    members_.set(r.heap, name, value);
    return true;
  }

 private:
  Dict members_;
};

/// cycler("a", "b"): next() walks through the items for ever.
class Cycler : public Native {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  bool callable() const override { return false; }
  bool attribute(Render& r, std::string_view name, Value& value) override;

 private:
  class Step : public Native {
   public:
    Step(Cycler& cycler, bool reset) : cycler_(cycler), reset_(reset) {}
    std::string_view type_name() const override { return "method"; }
    Value call(Render&, const Arguments&) override {
      if (reset_) {
        cycler_.at_ = 0;
        return Value::none();
      }
      const Value item = cycler_.items_[cycler_.at_];
      cycler_.at_ = (cycler_.at_ + 1) % cycler_.items_.size();
      return item;
    }

   private:
    Cycler& cycler_;
    bool reset_;
  };
  std::vector<Value> items_;
  std::size_t at_ = 0;
};

bool Cycler::attribute(Render& r, std::string_view name, Value& value) {
  if (name == "current") {
    value = items_[at_];
  } else if (name == "next" || name == "reset") {
    value = Value::of(r.heap.make<Step>(*this, name == "reset"));
  } else {
    return false;
  }
  return true;
}

/// joiner(", "): empty the first time it is called, the separator afterwards.
class Joiner : public Native {
 public:
  explicit Joiner(const Value& separator) : separator_(separator) {}
  std::string_view type_name() const override { return "Joiner"; }
  Value call(Render& r, const Arguments&) override {
    return std::exchange(used_, true) ? separator_ : r.heap.string("");
  }

 private:
  Value separator_;
  bool used_ = false;
};

// Python's sandbox refuses longer ranges.
constexpr std::int64_t kMaxRange = 100'000;

Value make_range(Render& r, const Arguments& arguments) {
  const Bound bound("range", arguments, {"start", "stop", "step"}, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    if (bound[i] != nullptr) need(*bound[i]);
    if (bound[i] != nullptr && !bound[i]->is_whole()) {
      fail(fmt::format("'{}' object cannot be interpreted as an integer", type_name(*bound[i])));
    }
  }
  const bool single = bound[1] == nullptr;
  const std::int64_t start = single ? 0 : bound.integer(0, 0);
  const std::int64_t stop = single ? bound.integer(0, 0) : bound.integer(1, 0);
  const std::int64_t step = bound.integer(2, 1);
  if (step == 0) fail("range() arg 3 must not be zero");
  Range* range = r.heap.make<Range>();
  range->start = start;
  range->step = step;
  if (step > 0 ? start >= stop : start <= stop) return Value::of(range);
  // In unsigned arithmetic neither the distance nor -step can overflow.
  const auto a = std::uint64_t(start), b = std::uint64_t(stop), s = std::uint64_t(step);
  const std::uint64_t count = step > 0 ? (b - a - 1) / s + 1 : (a - b - 1) / (0 - s) + 1;
  if (count > std::uint64_t(kMaxRange)) {
    fail(fmt::format("range too big: the sandbox blocks ranges larger than {}", kMaxRange));
  }
  range->count = std::int64_t(count);
  return Value::of(range);
}

// dict(pairs or mapping, **members); the constructor behind dict() and namespace().
Dict* members_of(Render& r, std::string_view function, const Arguments& arguments) {
  Dict* out = r.heap.dict();
  if (arguments.positional.size() > 1) fail(fmt::format("{} expected at most 1 argument", function));
  for (const Value& source : arguments.positional) {
    need(source);
    if (source.is(Kind::dict)) {
      for (const auto& [key, value] : source.dict().entries()) out->set(r.heap, key, value);
      continue;
    }
    for (const Value& pair : collect(r.heap, source)) {
      const std::vector<Value> items = collect(r.heap, pair);
      if (items.size() != 2) fail("dictionary update sequence element must have length 2");
      out->set(r.heap, items[0], items[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) out->set(r.heap, r.heap.string(name), value);
  return out;
}

Value make_dict(Render& r, const Arguments& arguments) { return Value::of(members_of(r, "dict", arguments)); }

Value make_namespace(Render& r, const Arguments& arguments) {
  Namespace* space = r.heap.make<Namespace>();
  for (const auto& [key, value] : members_of(r, "namespace", arguments)->entries())
    space->set_attribute(r, key, value);
  return Value::of(space);
}

Value make_cycler(Render& r, const Arguments& arguments) {
  if (arguments.positional.empty()) fail("at least one item has to be provided");
  return Value::of(
      r.heap.make<Cycler>(std::vector<Value>(arguments.positional.begin(), arguments.positional.end())));
}

Value make_joiner(Render& r, const Arguments& arguments) {
  const Bound bound("joiner", arguments, {"sep"});
  return Value::of(r.heap.make<Joiner>(bound[0] != nullptr ? *bound[0] : r.heap.string(", ")));
}

Value raise_exception(Render& r, const Arguments& arguments) {
  const Bound bound("raise_exception", arguments, {"message"}, 1);
  fail(to_string(r.heap, *bound[0]).text().bytes());
}

Value strftime_now(Render& r, const Arguments& arguments) {
  const Bound bound("strftime_now", arguments, {"format"}, 1);
  const std::string_view format = bound.text(0).view();
  r.heap.step(format.size());  // two bytes may stand for a whole date
  return r.heap.string(format_time(format, *r.options.now));
}

constexpr std::array<Named<Function::Body>, 7> kGlobals = {{{"range", make_range},
                                                            {"dict", make_dict},
                                                            {"namespace", make_namespace},
                                                            {"cycler", make_cycler},
                                                            {"joiner", make_joiner},
                                                            {"raise_exception", raise_exception},
                                                            {"strftime_now", strftime_now}}};

}  // namespace

Value find_global(Render& r, std::string_view name) {
  if (name == "strftime_now" && !r.options.now) return Value();
  for (const auto& global : kGlobals) {
    if (global.name == name) return Value::of(r.heap.make<Function>(global.function));
  }
  return Value();
}

}  // namespace longhand::jinja
