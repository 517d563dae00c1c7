// Evaluation of expressions.
#include <fmt/format.h>

#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

Value Variable::eval(Render& r) const { return r.lookup(name); }

Value Items::eval(Render& r) const {
  Sequence* out = r.heap.sequence();
  out->items.reserve(items.size());
  for (const ExpressionPtr& item : items) r.heap.push(*out, r.evaluate(*item));
  return Value::of(kind, out);
}

Value Pairs::eval(Render& r) const {
  Dict* out = r.heap.dict();
  for (const auto& [key, value] : entries) {
    const Value k = r.evaluate(*key);
    out->set(r.heap, k, r.evaluate(*value));
  }
  return Value::of(out);
}

// The deciding operand itself is the result, as in Python.
Value Logic::eval(Render& r) const {
  Value value;
  for (const ExpressionPtr& operand : operands) {
    value = r.evaluate(*operand);
    if (truth(value) != all) return value;
  }
  return value;
}

Value Not::eval(Render& r) const { return Value::boolean(!truth(r.evaluate(*operand))); }

Value Sign::eval(Render& r) const {
  const Value value = r.evaluate(*operand);
  const Value negative = negate(value);  // checks the type for "+" too
  return minus ? negative : value.is(Kind::boolean) ? Value::integer(value.as_integer()) : value;
}

namespace {

bool holds(Heap& heap, Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::equal:
      return equal(heap, a, b);
    case Comparison::not_equal:
      return !equal(heap, a, b);
    case Comparison::less:
      return order(heap, a, b, "<") < 0;
    case Comparison::less_equal:
      return order(heap, a, b, "<=") <= 0;
    case Comparison::greater:
      return order(heap, a, b, ">") > 0;
    case Comparison::greater_equal:
      return order(heap, a, b, ">=") >= 0;
    case Comparison::in:
      return contains(heap, b, a);
    case Comparison::not_in:
      return !contains(heap, b, a);
  }
  return false;
}

}  // namespace

Value Compare::eval(Render& r) const {
  Value left = r.evaluate(*first);
  for (const auto& [comparison, operand] : rest) {
    const Value right = r.evaluate(*operand);
    if (!holds(r.heap, comparison, left, right)) return Value::boolean(false);
    left = right;
  }
  return Value::boolean(true);
}

Value Arithmetic::eval(Render& r) const {
  Value left = r.evaluate(*first);
  for (const auto& [op, operand] : rest) {
    const Value right = r.evaluate(*operand);
    left = arithmetic(r.heap, op, left, right);
  }
  return left;
}

Value Concat::eval(Render& r) const {
  Builder out(r.heap);
  for (const ExpressionPtr& part : parts) print(out, r.evaluate(*part));
  return out.take();
}

Value Conditional::eval(Render& r) const {
  if (truth(r.evaluate(*test))) return r.evaluate(*yes);
  if (no != nullptr) return r.evaluate(*no);
  static const std::string kMessage = "the inline if-expression evaluated to false and has no else section";
  return Value::undefined(Missing::reason, &kMessage);
}

Value Postfix::eval(Render& r) const {
  Value value = r.evaluate(*base);
  for (const auto& suffix : suffixes) {
    r.heap.step();
    r.line = suffix->line;
    value = suffix->apply(r, value);
  }
  return value;
}

Value AttributeSuffix::apply(Render& r, const Value& target) const { return r.attribute(target, name); }

Value SubscriptSuffix::apply(Render& r, const Value& target) const {
  return r.subscript(target, r.evaluate(*key));
}

Value SliceSuffix::apply(Render& r, const Value& target) const {
  const auto bound = [&](const ExpressionPtr& e) { return e == nullptr ? Value::none() : r.evaluate(*e); };
  Slice bounds;
  bounds.start = bound(start);
  bounds.stop = bound(stop);
  bounds.step = bound(step);
  return slice(r.heap, target, bounds);
}

Value CallSuffix::apply(Render& r, const Value& target) const {
  const EvaluatedArguments evaluated = r.evaluate(arguments);
  return r.call(target, evaluated.view());
}

Value MethodSuffix::apply(Render& r, const Value& target) const {
  const EvaluatedArguments evaluated = r.evaluate(arguments);
  r.line = line;
  return r.call_method(target, name, evaluated.view());
}

Value FilterSuffix::apply(Render& r, const Value& target) const {
  if (filter == nullptr) fail(fmt::format("no filter named '{}'", name));
  const EvaluatedArguments evaluated = r.evaluate(arguments);
  return filter(r, target, evaluated.view());
}

Value TestSuffix::apply(Render& r, const Value& target) const {
  if (test == nullptr) fail(fmt::format("no test named '{}'", name));
  const EvaluatedArguments evaluated = r.evaluate(arguments);
  return Value::boolean(test(r, target, evaluated.view()) != negated);
}

}  // namespace longhand::jinja
