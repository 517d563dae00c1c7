// Calls of macros and blocks.
#include <fmt/format.h>

#include "engine/chat/jinja/parser.h"
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

class Blocks::Block : public Native {
 public:
  explicit Block(const Body& body) : body_(body) {}
  std::string_view type_name() const override { return "BlockReference"; }
  // A block sees what the template has set at its top, and not what is around the call.
  Value call(Render& r, const Arguments& arguments) override {
    if (!arguments.positional.empty() || !arguments.named.empty()) fail("a block takes no arguments");
    r.enter_macro();
    const InScope inside(r, r.make_scope(nullptr));
    const Value text = r.capture([&] { r.execute(body_); });
    r.leave_macro();
    return text;
  }

 private:
  const Body& body_;
};

bool Blocks::attribute(Render& r, std::string_view name, Value& value) {
  const auto& blocks = r.program().blocks;
  const auto found = blocks.find(name);
  if (found == blocks.end()) return false;
  value = Value::of(r.heap.make<Block>(*found->second));
  return true;
}

bool Macro::attribute(Render& r, std::string_view name, Value& value) {
  if (name == "name") {
    value = r.heap.string(parts_.name);
  } else if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& [parameter, fallback] : parts_.parameters)
      names.push_back(r.heap.string(*parameter.text));
    value = r.heap.list(std::move(names), Kind::tuple);
  } else if (name == "catch_varargs" || name == "catch_kwargs" || name == "caller") {
    const bool flag = name == "caller"         ? parts_.uses_caller
                      : name == "catch_kwargs" ? parts_.uses_kwargs
                                               : parts_.uses_varargs;
    value = Value::boolean(flag);
  } else {
    return false;
  }
  return true;
}

void Macro::bind(Render& r, Scope& scope, const Arguments& arguments) {
  const auto& parameters = parts_.parameters;
  std::vector<const Value*> given(parameters.size(), nullptr);
  for (std::size_t i = 0; i < arguments.positional.size() && i < given.size(); ++i)
    given[i] = &arguments.positional[i];
  if (arguments.positional.size() > given.size() && !parts_.uses_varargs) {
    fail(fmt::format("macro '{}' takes not more than {} argument(s)", parts_.name, given.size()));
  }
  Dict* extra = parts_.uses_kwargs ? r.heap.dict() : nullptr;
  Value caller = Value::undefined(Missing::variable, parts_.caller.text);
  for (const auto& [name, value] : arguments.named) {
    r.heap.read(parameters.size());
    std::size_t at = 0;
    while (at < parameters.size() && *parameters[at].first.text != name) ++at;
    if (at < parameters.size()) {
      if (given[at] != nullptr)
        fail(fmt::format("macro '{}' got two values for the argument '{}'", parts_.name, name));
      given[at] = &value;
    } else if (name == "caller" && parts_.uses_caller) {
      caller = value;
    } else if (extra != nullptr) {
      extra->set(r.heap, r.heap.string(name), value);
    } else {
      fail(fmt::format("macro '{}' takes no keyword argument '{}'", parts_.name, name));
    }
  }
  scope.variables.reserve(parameters.size() + 3);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, fallback] = parameters[i];
    Value value = Value::undefined(Missing::parameter, name.text);
    if (given[i] != nullptr) {
      value = *given[i];
    } else if (fallback != nullptr) {
      value = r.evaluate(*fallback);
    }
    scope.variables.emplace_back(name.id, value);
  }
  if (parts_.uses_caller) scope.variables.emplace_back(parts_.caller.id, caller);
  if (extra != nullptr) scope.variables.emplace_back(parts_.kwargs.id, Value::of(extra));
  if (parts_.uses_varargs) {
    const std::size_t taken = std::min(given.size(), arguments.positional.size());
    std::vector<Value> rest(arguments.positional.begin() + std::ptrdiff_t(taken), arguments.positional.end());
    scope.variables.emplace_back(parts_.varargs.id, r.heap.list(std::move(rest), Kind::tuple));
  }
}

Value Macro::call(Render& r, const Arguments& arguments) {
  r.enter_macro();
  Scope* scope = r.make_scope(scope_);
  r.heap.charge((parts_.parameters.size() + 3) * sizeof(Value));
  const InScope inside(r, scope);
  bind(r, *scope, arguments);
  const Value text = r.capture([&] { r.execute(parts_.body); });
  r.leave_macro();
  return text;
}

}  // namespace longhand::jinja
