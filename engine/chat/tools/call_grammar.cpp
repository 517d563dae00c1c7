#include "engine/chat/tools/call_grammar.h"

#include <fmt/format.h>

#include <optional>

#include "engine/sampling/grammar/gbnf_rules.h"
#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Kind = CallPart::Kind;

bool is_arguments(Kind kind) {
  return kind == Kind::json || kind == Kind::tags || kind == Kind::python || kind == Kind::gemma;
}

// The rules of one grammar.
class Writer {
 public:
  Writer(const CallForm& form, const LiteralSpeller& spell)
      : form_(form), spell_(spell), parts_(call_parts(form.call)) {}

  /// What follows section_begin and the first text of the first call.
  std::string calls(std::span<const Tool> tools, bool several);
  /// That section_begin and that text, where the first `known` bytes are as they are.
  std::string beginning(std::size_t known) const;
  /// JSON that satisfies a schema.
  std::string answer(const Json& schema);
  /// Any text that does not hold `end`, and then that.
  std::string text_up_to(const std::string& end);
  GbnfRules rules;
  std::vector<std::string> notes;

 private:
  std::string spelled(std::string_view text) const { return text.empty() ? "" : spell_(text) + " "; }
  std::string rest_of_call(const Tool& tool);
  std::string arguments(const Tool& tool, Kind kind);
  std::string header() const;
  Spelling spelling(const Tool& tool, Kind kind) const;
  MemberSpelling tag_spelling(const Tool& tool) const;

  const CallForm& form_;
  const LiteralSpeller& spell_;
  std::vector<CallPart> parts_;
};

std::string Writer::beginning(std::size_t known) const {
  const std::string whole = form_.section_begin + first_text(parts_);
  const std::string fed = whole.substr(0, known), rest = whole.substr(std::min(known, whole.size()));
  return (fed.empty() ? "" : gbnf_literal(fed) + " ") + spelled(rest);
}

std::string Writer::calls(std::span<const Tool> tools, bool several) {
  std::string any;
  for (const Tool& tool : tools) any += (any.empty() ? "" : " | ") + rest_of_call(tool);
  const std::string call = rules.add("one-call", any);
  std::string out = call;
  if (several) out += " (" + spelled(form_.between + first_text(parts_)) + call + ")*";
  return out + " " + spelled(form_.section_end);
}

// A call from behind its first text on.
std::string Writer::rest_of_call(const Tool& tool) {
  std::string out;
  const std::size_t first = parts_.front().kind == Kind::text ? 1 : 0;
  for (std::size_t i = first; i < parts_.size(); ++i) {
    const CallPart& part = parts_[i];
    if (part.kind == Kind::text) out += spelled(part.text);
    if (part.kind == Kind::name) out += gbnf_literal(tool.name) + " ";
    if (part.kind == Kind::id) out += "[0-9A-Za-z]{9} ";
    if (part.kind == Kind::index) out += "[0-9]{1,3} ";
    if (part.kind == Kind::header) out += header();
    if (is_arguments(part.kind)) out += arguments(tool, part.kind) + " ";
  }
  return rules.add("call-" + tool.name, out);
}

// What models write between the name and the message.
std::string Writer::header() const {
  return "(" + spelled(" <|constrain|>json") + "| " + spelled("<|channel|>commentary json") + "| " +
         spelled("<|channel|>commentary <|constrain|>json") + "| " + R"(" json" | ""))";
}

MemberSpelling Writer::tag_spelling(const Tool& tool) const {
  MemberSpelling out;
  TextSpelling text{"", "", true, ""};
  bool named = false, typed = false;
  const std::vector<CallPart> parts = call_parts(form_.tag);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const CallPart& part = parts[i];
    if (part.kind == Kind::key) {
      named = true;
    } else if (part.kind == Kind::string) {
      typed = true;
      out.after_name_of_text = out.after_name + spelled("true");
      out.after_name += spelled("false");
    } else if (part.kind == Kind::value) {
      const std::string& after = parts[i + 1].text;
      const std::size_t mark = after.find_first_not_of(" \n");
      text.excluded = after.substr(mark, after.find_last_not_of(" \n") + 1 - mark);
      out.end = spelled(after);
      break;
    } else if (!named) {
      out.begin += spelled(part.text);
    } else {
      if (typed) out.after_name_of_text += spelled(part.text);
      out.after_name += spelled(part.text);
    }
  }
  out.text = text;
  out.kind = [&tool, typed](const std::string& name) {
    const ArgumentText kind = tool.kind(name);
    return typed && kind == ArgumentText::mixed ? ArgumentText::json : kind;
  };
  return out;
}

Spelling Writer::spelling(const Tool& tool, Kind kind) const {
  Spelling out;
  if (kind == Kind::tags) out.arguments = tag_spelling(tool);
  if (kind == Kind::python) {
    out.null = "None";
    out.yes = "True";
    out.no = "False";
    out.arguments = MemberSpelling{.after_name = R"("=")", .separator = R"(", ")"};
  }
  if (kind == Kind::gemma) {
    const std::string quote = spell_("<|\"|>");
    out.text = {quote, quote, true, "<|\"|>"};
    out.bare_names = true;
  }
  return out;
}

std::string Writer::arguments(const Tool& tool, Kind kind) {
  const auto fail = [&](const std::string& why) {
    return Error(Errc::grammar, fmt::format("tools: parameters of {}: {}", tool.name, why));
  };
  try {
    SchemaSet schemas(tool.parameters, true);
    const Spelling how = spelling(tool, kind);
    SchemaWriter writer(schemas, rules, how);
    const GbnfPart out = how.arguments ? writer.arguments({schemas.root()}) : writer.value({schemas.root()});
    for (const std::string& note : schemas.notes()) notes.push_back(tool.name + ": " + note);
    if (!out) throw Error(Errc::grammar, "nothing satisfies them");
    return rules.add("arguments-" + tool.name, *out);
  } catch (const Json::exception& error) { throw fail(error.what()); } catch (const Error& error) {
    throw fail(plain_message(error));
  }
}

std::string Writer::answer(const Json& schema) {
  const auto fail = [](const std::string& why) {
    return Error(Errc::grammar, why.starts_with("schema") ? why : "schema: " + why);
  };
  try {
    SchemaSet schemas(schema, false);
    const Spelling json_alone;
    const GbnfPart out = SchemaWriter(schemas, rules, json_alone).value({schemas.root()});
    if (!out) throw Error(Errc::grammar, "no value satisfies it");
    return rules.add("answer", *out);
  } catch (const Json::exception& error) { throw fail(error.what()); } catch (const Error& error) {
    throw fail(plain_message(error));
  }
}

std::string Writer::text_up_to(const std::string& end) {
  const std::string marker = spell_(end);
  // No text spells a control token.
  if (!marker.starts_with('"')) return R"([^\x00]* )" + marker + " ";
  const TextAutomaton free = texts_without(end);
  return rules.raw_texts(free, "reasoning") + " " + marker + " ";
}

}  // namespace

std::string spell_bytes(std::string_view text) { return gbnf_literal(text); }

CallGrammar CallGrammarWriter::write(std::span<const Tool> tools, bool several, CallGrammarStart start,
                                     const Json* schema) const {
  Writer writer(form_, spell_);
  const std::string calls = tools.empty() ? "" : writer.calls(tools, several && form_.several);
  const std::string space = R"([ \n]{0,3} )";
  const bool inside = start == CallGrammarStart::reasoning;
  // What follows the reasoning.
  std::string answer, text;
  if (!calls.empty()) {
    if (channels()) answer = "(" + spell_("<|channel|>commentary ") + R"( | " ")? )";
    answer += writer.beginning(0) + calls;
  }
  if (schema != nullptr) {
    if (channels()) text = spell_("<|channel|>final<|message|>") + " ";
    text += writer.answer(*schema) + " ";
    answer = answer.empty() ? text : "(" + answer + "| " + text + ") ";
  }
  std::string root;
  if (start == CallGrammarStart::call) {
    root = writer.beginning(form_.starts.front().stands_for.size()) + calls;
  } else if (channels()) {
    const std::string analysis = spell_("<|channel|>analysis<|message|>") + " " +
                                 writer.text_up_to("<|end|>") + spell_("<|start|>assistant") + " ";
    root = "(" + analysis + ")? " + answer;
  } else if (reasoning_.form == ReasoningStyle::Form::pair && start != CallGrammarStart::plain) {
    const std::string rest = writer.rules.add("reasoning-rest", writer.text_up_to(reasoning_.close) + space);
    root = (inside ? rest : "(" + spell_(reasoning_.open) + " " + rest + ")?") + " " + space + answer;
  } else {
    root = (calls.empty() ? "" : space) + answer;
  }
  CallGrammar out{writer.rules.text(root), std::move(writer.notes)};
  if (out.gbnf.size() > kMaxGrammarBytes) {
    throw Error(Errc::grammar,
                fmt::format("{}: their grammar has {} bytes, must be at most {}",
                            tools.empty() ? "schema" : "tools", out.gbnf.size(), kMaxGrammarBytes));
  }
  return out;
}

}  // namespace longhand
