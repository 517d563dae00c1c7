// The syntax tree of a template. Each node knows how to evaluate or execute itself.
//
// Chains (a + b + c, a.b.c, x | f | g, if / elif) are flat lists, so the tree is only as deep as brackets and
// blocks are nested in the source; the parser keeps that below kMaxDepth.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/chat/jinja/functions/builtins.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

class Render;

struct Expression {
  explicit Expression(int at) : line(at) {}
  virtual ~Expression() = default;
  /// Called through Render::evaluate, which counts steps and depth.
  virtual Value eval(Render& render) const = 0;
  int line;
};
using ExpressionPtr = std::unique_ptr<Expression>;

/// What a statement asks the loop around it to do.
enum class Flow : std::uint8_t { normal, break_loop, continue_loop };

struct Statement {
  explicit Statement(int at) : line(at) {}
  virtual ~Statement() = default;
  virtual Flow exec(Render& render) const = 0;
  int line;
};
using Body = std::vector<std::unique_ptr<Statement>>;

/// Variables are numbered when the template is parsed.
using NameId = std::uint32_t;
struct Identifier {
  NameId id = 0;
  const std::string* text = nullptr;  // owned by the template
};

// ---- expressions ------------------------------------------------------------------------------------------

struct Constant : Expression {
  Constant(int at, Value v) : Expression(at), value(v) {}
  Value eval(Render&) const override { return value; }
  Value value;
};

struct Variable : Expression {
  Variable(int at, Identifier n) : Expression(at), name(n) {}
  Value eval(Render&) const override;
  Identifier name;
};

struct Items : Expression {  // [a, b] or (a, b)
  using Expression::Expression;
  Value eval(Render&) const override;
  Kind kind = Kind::list;
  std::vector<ExpressionPtr> items;
};

struct Pairs : Expression {  // {a: b}
  using Expression::Expression;
  Value eval(Render&) const override;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Logic : Expression {  // a and b and c
  using Expression::Expression;
  Value eval(Render&) const override;
  bool all = true;  // and; else or
  std::vector<ExpressionPtr> operands;
};

struct Not : Expression {
  using Expression::Expression;
  Value eval(Render&) const override;
  ExpressionPtr operand;
};

struct Sign : Expression {  // -a, +a
  using Expression::Expression;
  Value eval(Render&) const override;
  bool minus = true;
  ExpressionPtr operand;
};

enum class Comparison : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};
struct Compare : Expression {  // a < b <= c
  using Expression::Expression;
  Value eval(Render&) const override;
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};

struct Arithmetic : Expression {  // a + b - c: operators of one precedence, from the left
  using Expression::Expression;
  Value eval(Render&) const override;
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};

struct Concat : Expression {  // a ~ b ~ c
  using Expression::Expression;
  Value eval(Render&) const override;
  std::vector<ExpressionPtr> parts;
};

struct Conditional : Expression {  // yes if test else no
  using Expression::Expression;
  Value eval(Render&) const override;
  ExpressionPtr test, yes, no;  // no: may be null
};

struct CallArguments {
  struct Positional {
    ExpressionPtr value;
    bool spread = false;  // *value
  };
  struct Named {
    std::string name;  // empty: **value
    ExpressionPtr value;
  };
  std::vector<Positional> positional;
  std::vector<Named> named;
};

struct Suffix {
  explicit Suffix(int at) : line(at) {}
  virtual ~Suffix() = default;
  virtual Value apply(Render& render, const Value& target) const = 0;
  int line;
};

struct Postfix : Expression {  // base.name[key](args) | filter is test
  using Expression::Expression;
  Value eval(Render&) const override;
  ExpressionPtr base;
  std::vector<std::unique_ptr<Suffix>> suffixes;
};

struct AttributeSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  std::string name;
};
struct SubscriptSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  ExpressionPtr key;
};
struct SliceSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  ExpressionPtr start, stop, step;  // null when left out
};
struct CallSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  CallArguments arguments;
};
struct MethodSuffix : Suffix {  // .name(args), without making a bound method first
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  std::string name;
  CallArguments arguments;
};
struct FilterSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  std::string name;
  Filter filter = nullptr;  // null: unknown, an error once it is reached
  CallArguments arguments;
};
struct TestSuffix : Suffix {
  using Suffix::Suffix;
  Value apply(Render&, const Value&) const override;
  std::string name;
  Test test = nullptr;
  bool negated = false;
  CallArguments arguments;
};

// ---- statements -------------------------------------------------------------------------------------------

/// Left side of an assignment.
struct Target {
  Identifier name;              // a variable, or the namespace in ns.attribute
  std::string attribute;        // empty: none
  std::vector<Target> targets;  // not empty: unpack into these
};

struct Literal : Statement {
  Literal(int at, std::string t) : Statement(at), text(std::move(t)) {}
  Flow exec(Render&) const override;
  std::string text;
};
struct Emit : Statement {  // {{ value }}
  using Statement::Statement;
  Flow exec(Render&) const override;
  ExpressionPtr value;
};
struct If : Statement {
  using Statement::Statement;
  Flow exec(Render&) const override;
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For : Statement {
  using Statement::Statement;
  Flow exec(Render&) const override;
  Target target;
  ExpressionPtr iterable, condition;  // condition: may be null
  Identifier loop;                    // the variable "loop"
  bool recursive = false;
  Body body, otherwise;
};
struct Set : Statement {
  using Statement::Statement;
  Flow exec(Render&) const override;
  Target target;
  ExpressionPtr value;
};
struct SetBlock : Statement {  // {% set x | filter %}...{% endset %}
  using Statement::Statement;
  Flow exec(Render&) const override;
  Target target;
  std::vector<std::unique_ptr<Suffix>> filters;
  Body body;
};
struct FilterBlock : Statement {
  using Statement::Statement;
  Flow exec(Render&) const override;
  std::vector<std::unique_ptr<Suffix>> filters;
  Body body;
};
struct Scoped : Statement {  // with, generation, block: a scope of its own
  using Statement::Statement;
  Flow exec(Render&) const override;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
};
struct MacroParts {
  std::string name;
  std::vector<std::pair<Identifier, ExpressionPtr>> parameters;         // with default or null
  Identifier caller, varargs, kwargs;                                   // the variables of these names, and
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;  // whether the body mentions them
  Body body;
};
struct DefineMacro : Statement {
  using Statement::Statement;
  Flow exec(Render&) const override;
  Identifier name;
  MacroParts macro;
};
struct CallBlock : Statement {  // {% call(args) f() %}...{% endcall %}
  using Statement::Statement;
  Flow exec(Render&) const override;
  MacroParts caller;
  ExpressionPtr target;  // what is called, evaluated to a callable
  CallArguments arguments;
};
struct Jump : Statement {
  Jump(int at, Flow f) : Statement(at), flow(f) {}
  Flow exec(Render&) const override { return flow; }
  Flow flow;
};

}  // namespace longhand::jinja
