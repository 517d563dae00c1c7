// Execution of statements other than loops.
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

Flow Literal::exec(Render& r) const {
  r.out().append(text);
  return Flow::normal;
}

Flow Emit::exec(Render& r) const {
  const Value v = r.evaluate(*value);
  print(r.out(), v);
  return Flow::normal;
}

Flow If::exec(Render& r) const {
  for (const auto& [condition, body] : branches) {
    if (truth(r.evaluate(*condition))) return r.execute(body);
  }
  return otherwise.empty() ? Flow::normal : r.execute(otherwise);
}

Flow Set::exec(Render& r) const {
  r.assign(target, r.evaluate(*value));
  return Flow::normal;
}

namespace {

// What `body` writes in a scope of its own.
Value text_of(Render& r, const Body& body) {
  const InScope inside(r, r.make_scope(r.scope()));
  return r.capture([&] { r.execute(body); });
}

Value apply_filters(Render& r, Value value, const std::vector<std::unique_ptr<Suffix>>& filters) {
  for (const auto& filter : filters) value = filter->apply(r, value);
  return value;
}

}  // namespace

Flow SetBlock::exec(Render& r) const {
  const Value text = text_of(r, body);
  r.assign(target, apply_filters(r, text, filters));
  return Flow::normal;
}

Flow FilterBlock::exec(Render& r) const {
  const Value text = text_of(r, body);
  print(r.out(), apply_filters(r, text, filters));
  return Flow::normal;
}

Flow Scoped::exec(Render& r) const {
  // The values see the scope outside, as in {% with x = x + 1 %}.
  std::vector<Value> values;
  for (const auto& [target, value] : assignments) values.push_back(r.evaluate(*value));
  const InScope inside(r, r.make_scope(r.scope()));
  for (std::size_t i = 0; i < values.size(); ++i) r.assign(assignments[i].first, values[i]);
  return r.execute(body);
}

Flow DefineMacro::exec(Render& r) const {
  r.assign(name, Value::of(r.heap.make<Macro>(macro, r.scope())));
  return Flow::normal;
}

Flow CallBlock::exec(Render& r) const {
  const Value function = r.evaluate(*target);
  EvaluatedArguments evaluated = r.evaluate(arguments);
  evaluated.named.emplace_back("caller", Value::of(r.heap.make<Macro>(caller, r.scope())));
  const Value text = r.call(function, evaluated.view());
  print(r.out(), text);
  return Flow::normal;
}

}  // namespace longhand::jinja
