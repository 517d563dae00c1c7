#include "engine/chat/jinja/render.h"

#include <fmt/format.h>

#include "engine/chat/jinja/parser.h"
#include "ops/error.h"

namespace longhand::jinja {

Render::Render(const Program& program, Heap& h, const RenderOptions& o)
    : heap(h), options(o), program_(program), output_(h) {}

Text Render::run(const Dict& variables) {
  root_.resize(program_.names.size());
  root_known_.resize(program_.names.size());
  for (std::size_t i = 0; i < program_.names.size(); ++i) {
    const std::string& name = program_.names[i];
    if (const Value* given = variables.find(heap, name)) {
      root_[i] = *given;
    } else {
      root_[i] = name == "self" ? Value::of(heap.make<Blocks>()) : find_global(*this, name);
    }
    root_known_[i] = !root_[i].is(Kind::undefined);
  }
  execute(program_.body);
  return output_.text();
}

void Render::too_deep() const { fail("nested or recursing too deeply"); }

void Render::enter_macro() {
  if (++macros_ > options.limits.macro_depth) {
    fail(fmt::format("macros or recursive loops nested deeper than {}", options.limits.macro_depth));
  }
}

Flow Render::execute(const Body& body) {
  enter();
  Flow flow = Flow::normal;
  for (const auto& statement : body) {
    heap.step();
    line = statement->line;
    flow = statement->exec(*this);
    if (flow != Flow::normal) break;
  }
  --frames_;
  return flow;
}

EvaluatedArguments Render::evaluate(const CallArguments& arguments) {
  EvaluatedArguments out;
  out.positional.reserve(arguments.positional.size());
  for (const auto& [value, spread] : arguments.positional) {
    const Value v = evaluate(*value);
    if (!spread) {
      out.positional.push_back(v);
      continue;
    }
    for (const Value& item : collect(heap, v)) out.positional.push_back(item);
  }
  for (const auto& [name, value] : arguments.named) {
    const Value v = evaluate(*value);
    if (!name.empty()) {
      out.named.emplace_back(name, v);
      continue;
    }
    if (!v.is(Kind::dict)) fail(fmt::format("argument after ** must be a mapping, not {}", type_name(v)));
    for (const auto& [key, item] : v.dict().entries()) {
      if (!key.is(Kind::string)) fail("keywords must be strings");
      heap.step();
      out.named.emplace_back(key.view(), item);
    }
  }
  return out;
}

// ---- variables --------------------------------------------------------------------------------------------

Value Render::lookup(const Identifier& name) const {
  for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    heap.compare(1 + scope->variables.size());
    if (const Value* found = scope->find(name.id)) return *found;
  }
  return root_known_[name.id] ? root_[name.id] : Value::undefined(Missing::variable, name.text);
}

void Render::assign(const Identifier& name, const Value& value) {
  if (scope_ == nullptr) {
    root_[name.id] = value;
    root_known_[name.id] = true;
    return;
  }
  heap.compare(scope_->variables.size());
  if (Value* found = scope_->find(name.id)) {
    *found = value;
  } else {
    heap.charge(sizeof(Scope::variables.front()));
    scope_->variables.emplace_back(name.id, value);
  }
}

void Render::assign(const Target& target, const Value& value) {
  if (!target.attribute.empty()) {
    const Value space = lookup(target.name);
    const bool done =
        space.is(Kind::native) && space.native().set_attribute(*this, heap.string(target.attribute), value);
    if (!done) fail("cannot assign attribute on non-namespace object");
    return;
  }
  if (target.targets.empty()) return assign(target.name, value);
  need(value);
  const std::vector<Value> items = collect(heap, value);
  if (items.size() != target.targets.size()) {
    fail(fmt::format("{} values to unpack (expected {}, got {})",
                     items.size() < target.targets.size() ? "not enough" : "too many", target.targets.size(),
                     items.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) assign(target.targets[i], items[i]);
}

// ---- attributes, items, calls -----------------------------------------------------------------------------

namespace {

// Names like __class__ lead into the interpreter in Python. Here nothing is behind them; asking is an error.
bool is_internal(std::string_view name) { return name.starts_with("__"); }

[[noreturn]] void fail_unsafe(const Value& value, const std::string& name) {
  fail(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(value)));
}

}  // namespace

Value Render::attribute(const Value& value, const std::string& name) {
  need(value);
  if (const Method method = find_method(value.kind(), name)) {
    if (changes_object(value.kind(), name) && !options.mutable_data) {
      return Value::undefined(Missing::unsafe, &name, value.kind());
    }
    return Value::of(heap.make<BoundMethod>(method, value));
  }
  if (value.is(Kind::dict)) {
    if (const Value* item = value.dict().find(heap, name)) return *item;
  }
  if (value.is(Kind::tuple) && value.sequence().type_name == kGroupType) {
    if (name == "grouper") return value.items()[0];
    if (name == "list") return value.items()[1];
  }
  Value found;
  if (value.is(Kind::native) && value.native().attribute(*this, name, found)) return found;
  if (is_internal(name)) fail_unsafe(value, name);
  return Value::undefined(Missing::attribute, &name, value.kind());
}

Value Render::subscript(const Value& value, const Value& key) {
  need(value);
  if (auto item = element(heap, value, key)) return *item;
  if (key.is(Kind::string)) return attribute(value, key.text().bytes());
  return Value::undefined(Missing::element, nullptr, value.kind());
}

Value Render::call(const Value& function, const Arguments& arguments) {
  need(function);
  if (!function.is(Kind::native) || !function.native().callable()) {
    fail(fmt::format("'{}' object is not callable", type_name(function)));
  }
  heap.step();
  return function.native().call(*this, arguments);
}

Value Render::call_method(const Value& self, const std::string& name, const Arguments& arguments) {
  const Method method = find_method(self.kind(), name);
  if (method == nullptr || (changes_object(self.kind(), name) && !options.mutable_data)) {
    return call(attribute(self, name), arguments);
  }
  return method(*this, self, arguments);
}

}  // namespace longhand::jinja
