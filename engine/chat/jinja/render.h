// The state of one rendering: variables in scope, output, budgets.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/chat/jinja/ast.h"
#include "engine/chat/jinja/template.h"

namespace longhand::jinja {

/// Variables of a loop body, macro call or block. On the heap, because macros keep the scope they were
/// defined in.
struct Scope : Object {
  explicit Scope(Scope* outer) : parent(outer) {}
  Value* find(NameId id) {
    for (auto& [name, value] : variables) {
      if (name == id) return &value;
    }
    return nullptr;
  }
  Scope* parent;
  std::vector<std::pair<NameId, Value>> variables;
};

/// Arguments of a call after evaluation.
struct EvaluatedArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
  Arguments view() const { return {positional, named}; }
};

class Render {
 public:
  Render(const Program& program, Heap& heap, const RenderOptions& options);

  Heap& heap;
  const RenderOptions& options;
  int line = 1;  // of the node being evaluated, for error messages

  /// Fills the outermost scope and runs the template.
  Text run(const Dict& variables);
  const Program& program() const noexcept { return program_; }

  Value evaluate(const Expression& expression) {
    enter();
    line = expression.line;
    const Value value = expression.eval(*this);
    --frames_;
    return value;
  }
  Flow execute(const Body& body);
  EvaluatedArguments evaluate(const CallArguments& arguments);

  Value lookup(const Identifier& name) const;
  void assign(const Identifier& name, const Value& value);
  void assign(const Target& target, const Value& value);

  /// value.name as Jinja resolves it: attribute first, then item. `name` must outlive the rendering.
  Value attribute(const Value& value, const std::string& name);
  /// value[key]: item first, then attribute.
  Value subscript(const Value& value, const Value& key);
  Value call(const Value& function, const Arguments& arguments);
  Value call_method(const Value& self, const std::string& name, const Arguments& arguments);

  Builder& out() { return *out_; }
  Scope* scope() { return scope_; }
  Scope* make_scope(Scope* parent) { return heap.make<Scope>(parent); }

  /// Runs `body` and returns what it wrote as a string.
  template <class F>
  Value capture(F&& body) {
    Builder caught(heap);
    Builder* const outer = std::exchange(out_, &caught);
    body();
    out_ = outer;
    return caught.take();
  }

  /// Count of macros and recursive loops running inside one another.
  void enter_macro();
  void leave_macro() { --macros_; }

 private:
  friend class InScope;
  void enter() {
    heap.step();
    if (++frames_ > kMaxFrames) too_deep();
  }
  [[noreturn]] void too_deep() const;
  // Expressions and bodies inside one another over all macro calls. With the frame sizes of an optimised
  // build this keeps the native stack below 200 KiB (measured; see the stack test).
  static constexpr int kMaxFrames = 600;

  const Program& program_;
  Builder output_;
  Builder* out_ = &output_;
  Scope* scope_ = nullptr;        // innermost; null: the outermost one, kept in root_
  std::vector<Value> root_;       // by NameId
  std::vector<bool> root_known_;  // by NameId: defined
  int frames_ = 0;
  int macros_ = 0;
};

/// Makes `scope` the innermost one for its lifetime.
class InScope {
 public:
  InScope(Render& render, Scope* scope) : render_(render), outer_(std::exchange(render.scope_, scope)) {}
  ~InScope() { render_.scope_ = outer_; }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

 private:
  Render& render_;
  Scope* outer_;
};

/// A method taken from its object: x = s.strip.
class BoundMethod : public Native {
 public:
  BoundMethod(Method method, const Value& self) : method_(method), self_(self) {}
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  Value call(Render& render, const Arguments& arguments) override {
    return method_(render, self_, arguments);
  }

 private:
  Method method_;
  Value self_;
};

/// `self`: its attributes are the blocks of the template, and calling one gives what it writes.
class Blocks : public Native {
 public:
  std::string_view type_name() const override { return "TemplateReference"; }
  bool callable() const override { return false; }
  bool attribute(Render& render, std::string_view name, Value& value) override;

 private:
  class Block;
};

/// {% macro %} and the body of {% call %}.
class Macro : public Native {
 public:
  Macro(const MacroParts& parts, Scope* scope) : parts_(parts), scope_(scope) {}
  std::string_view type_name() const override { return "Macro"; }
  bool attribute(Render& render, std::string_view name, Value& value) override;
  Value call(Render& render, const Arguments& arguments) override;

 private:
  void bind(Render& render, Scope& scope, const Arguments& arguments);
  const MacroParts& parts_;
  Scope* scope_;
};

}  // namespace longhand::jinja
