// {% for %}: iteration with look-ahead, and the variable "loop".
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {
namespace {

Value no_item() {
  static const std::string kMessage = "there is no item before the first or after the last one";
  return Value::undefined(Missing::reason, &kMessage);
}

Flow run_loop(Render& r, const For& node, const Value& source, int depth);

/// One running loop; also the value of its variable "loop".
class Loop : public Native {
 public:
  Loop(Render& render, const For& node, const Value& source, int depth)
      : node_(node), outer_(render.scope()), items_(render.heap, source), source_(source), depth_(depth) {
    if (node.condition != nullptr) condition_scope_ = render.make_scope(outer_);
    sized_ = node.condition == nullptr && has_length(source) && !source.is(Kind::string);
  }

  bool advance(Render& r) {
    Value item;
    if (head_ < ahead_.size()) {
      item = ahead_[head_++];
    } else if (!fetch(r, item)) {
      return false;
    }
    previous_ = current_;
    current_ = item;
    ++index_;
    return true;
  }
  const Value& current() const { return current_; }
  int depth() const { return depth_; }

  std::string_view type_name() const override { return "LoopContext"; }
  bool callable() const override { return node_.recursive; }
  bool attribute(Render& r, std::string_view name, Value& value) override;
  Value call(Render& r, const Arguments& arguments) override;
  Value cycle(Render& r, const Arguments& arguments);
  Value changed(Render& r, const Arguments& arguments);

 private:
  // The next item that passes the loop's condition.
  bool fetch(Render& r, Value& item) {
    while (items_.next(item)) {
      if (node_.condition == nullptr) return true;
      condition_scope_->variables.clear();
      if (passes(r, item)) return true;
    }
    return false;
  }
  bool passes(Render& r, const Value& item) {
    const InScope inside(r, condition_scope_);
    r.assign(node_.target, item);
    return truth(r.evaluate(*node_.condition));
  }
  const Value* peek(Render& r) {
    if (head_ == ahead_.size()) {
      Value item;
      if (!fetch(r, item)) return nullptr;
      ahead_.assign(1, item);
      head_ = 0;
    }
    return &ahead_[head_];
  }
  std::int64_t total(Render& r) {
    if (sized_) return length(r.heap, source_);
    for (Value item; fetch(r, item);) {
      r.heap.charge(sizeof(Value));
      ahead_.push_back(item);
    }
    return index_ + 1 + std::int64_t(ahead_.size() - head_);
  }

  const For& node_;
  Scope* outer_;
  Scope* condition_scope_ = nullptr;
  Iterator items_;
  Value source_;
  int depth_;
  bool sized_;
  std::vector<Value> ahead_;  // fetched; those from head_ on are still to come
  std::size_t head_ = 0;
  Value current_ = no_item();
  Value previous_ = no_item();
  Value last_changed_;
  std::int64_t index_ = -1;
};

/// loop.cycle and loop.changed.
class LoopFunction : public Native {
 public:
  using Function = Value (Loop::*)(Render&, const Arguments&);
  LoopFunction(Loop& loop, Function function) : loop_(loop), function_(function) {}
  std::string_view type_name() const override { return "method"; }
  Value call(Render& r, const Arguments& arguments) override { return (loop_.*function_)(r, arguments); }

 private:
  Loop& loop_;
  Function function_;
};

bool Loop::attribute(Render& r, std::string_view name, Value& value) {
  if (name == "index0") {
    value = Value::integer(index_);
  } else if (name == "index") {
    value = Value::integer(index_ + 1);
  } else if (name == "first") {
    value = Value::boolean(index_ == 0);
  } else if (name == "last") {
    value = Value::boolean(peek(r) == nullptr);
  } else if (name == "length") {
    value = Value::integer(total(r));
  } else if (name == "revindex") {
    value = Value::integer(total(r) - index_);
  } else if (name == "revindex0") {
    value = Value::integer(total(r) - index_ - 1);
  } else if (name == "previtem") {
    value = previous_;
  } else if (name == "nextitem") {
    const Value* next = peek(r);
    value = next != nullptr ? *next : no_item();
  } else if (name == "depth") {
    value = Value::integer(depth_);
  } else if (name == "depth0") {
    value = Value::integer(depth_ - 1);
  } else if (name == "cycle") {
    value = Value::of(r.heap.make<LoopFunction>(*this, &Loop::cycle));
  } else if (name == "changed") {
    value = Value::of(r.heap.make<LoopFunction>(*this, &Loop::changed));
  } else {
    return false;
  }
  return true;
}

Value Loop::cycle(Render&, const Arguments& arguments) {
  if (arguments.positional.empty()) fail("no items for cycling given");
  return arguments.positional[std::size_t(index_) % arguments.positional.size()];
}

Value Loop::changed(Render& r, const Arguments& arguments) {
  const Value now = r.heap.list({arguments.positional.begin(), arguments.positional.end()}, Kind::tuple);
  if (equal(r.heap, last_changed_, now)) return Value::boolean(false);
  last_changed_ = now;
  return Value::boolean(true);
}

Flow run_loop(Render& r, const For& node, const Value& source, int depth) {
  Loop* loop = r.heap.make<Loop>(r, node, source, depth);
  // One scope for all iterations, emptied for each: a macro defined in the body sees the latest iteration.
  Scope* scope = r.make_scope(r.scope());
  bool any = false;
  while (loop->advance(r)) {
    any = true;
    scope->variables.clear();
    const InScope inside(r, scope);
    r.assign(node.loop, Value::of(loop));
    r.assign(node.target, loop->current());
    const Flow flow = r.execute(node.body);
    if (flow == Flow::break_loop) break;
  }
  if (any || node.otherwise.empty()) return Flow::normal;
  scope->variables.clear();
  const InScope inside(r, scope);
  return r.execute(node.otherwise);
}

// {{ loop(children) }} in a recursive loop: the whole loop again on other items, as text.
Value Loop::call(Render& r, const Arguments& arguments) {
  if (!node_.recursive) fail("the loop must have the 'recursive' marker to be called recursively");
  if (arguments.positional.size() != 1) fail("a recursive loop takes one argument");
  r.enter_macro();
  const Value text = r.capture([&] {
    const InScope inside(r, outer_);
    run_loop(r, node_, arguments.positional[0], depth_ + 1);
  });
  r.leave_macro();
  return text;
}

}  // namespace

Flow For::exec(Render& r) const {
  const Value source = r.evaluate(*iterable);
  return run_loop(r, *this, source, 1);
}

}  // namespace longhand::jinja
