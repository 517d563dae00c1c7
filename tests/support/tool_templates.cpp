#include "tests/support/tool_templates.h"

#include <vector>

namespace longhand::test {
namespace {

// Turns between markers of ChatML; `call` writes one call `c` of the answer `m`, `all` what is around them.
std::string chatml(const std::string& calls, const std::string& generation = "") {
  return R"({%- if tools %}<|im_start|>system
Tools: {{ tools | tojson }}<|im_end|>
{% endif %}{%- for m in messages %}<|im_start|>{{ m.role }}
{{ m.content or '' }}{% if m.tool_calls %})" +
         calls + R"({% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
)" + generation +
         "{% endif %}";
}

// Calls one after another.
std::string each(const std::string& call) {
  return "{% for c in m.tool_calls %}{% set f = c.function %}" + call + "{% endfor %}";
}

const std::string kNameAndArguments = R"({"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}})";

std::vector<ToolTemplate> object_templates() {
  return {
      {"hermes", chatml(each("\n<tool_call>\n" + kNameAndArguments + "\n</tool_call>"))},
      {"hermes", chatml(each("<tool_call>{{ f | tojson }}</tool_call>"), "<think>\n")},
      {"llama3", chatml(each(R"({"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}})"))},
      {"granite",
       "{# answers calls with <|tool_call|> and a list #}" +
           chatml("{{ raise_exception('calls are not for me') }}"),
       true, false, true},
      {"nemotron",
       chatml("<TOOLCALL>[{% for c in m.tool_calls %}{{ c.function | tojson }}{{ ', ' if not loop.last }}"
              "{% endfor %}]</TOOLCALL>")},
      {"cohere",
       chatml("<|START_ACTION|>[{% for c in m.tool_calls %}\n    {\"tool_call_id\": \"{{ loop.index0 }}\", "
              "\"tool_name\": \"{{ c.function.name }}\", \"parameters\": {{ c.function.arguments | tojson }}}"
              "{{ ',' if not loop.last }}{% endfor %}\n]<|END_ACTION|>")},
      {"minimax-m1", chatml("<tool_calls>\n" + each(kNameAndArguments + "{{ '\\n' }}") + "</tool_calls>")},
  };
}

std::vector<ToolTemplate> mistral_templates() {
  const std::string begin =
      "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
      "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
      "{% elif m.role == 'tool' %}{% if m.tool_call_id | length != 9 %}"
      "{{ raise_exception('ids have nine letters') }}{% endif %}"
      "[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]"
      "{% elif m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}[/SYSTEM_PROMPT]"
      "{% elif m.tool_calls %}";
  const std::string end = "</s>{% else %}{{ m.content }}</s>{% endif %}{% endfor %}";
  return {
      {"mistral-list",
       begin +
           "[TOOL_CALLS][{% for c in m.tool_calls %}{\"name\": \"{{ c.function.name }}\", \"arguments\": "
           "{{ c.function.arguments | tojson }}, \"id\": \"{{ c.id }}\"}{{ ', ' if not loop.last }}{% endfor "
           "%}]" +
           end,
       true, true, true, false, false, true},
      {"mistral-args", begin + each("[TOOL_CALLS]{{ f.name }}[ARGS]{{ f.arguments | tojson }}") + end, true,
       true, true, false, false, true},
  };
}

std::vector<ToolTemplate> named_templates() {
  const std::string deepseek = each(
      "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ f.name }}\n```json\n"
      "{{ f.arguments + '' }}\n```<｜tool▁call▁end｜>{{ '\\n' if not loop.last }}");
  return {
      // Text of arguments is added to text, and content must be none.
      {"deepseek-v3",
       "{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}"
       "{% elif m.role == 'tool' %}<｜tool▁output▁begin｜>{{ m.content }}<｜tool▁output▁end｜>"
       "{% elif m.content is none %}<｜Assistant｜><｜tool▁calls▁begin｜>" +
           deepseek +
           "<｜tool▁calls▁end｜>{% else %}{{ m.content }}{% endif %}{% endfor %}"
           "{% if add_generation_prompt %}<｜Assistant｜>{% endif %}",
       false, true, true, true, true},
      {"deepseek-v3.1", chatml("<｜tool▁calls▁begin｜>" +
                               each("<｜tool▁call▁begin｜>{{ f.name }}<｜tool▁sep｜>{{ f.arguments | tojson "
                                    "}}<｜tool▁call▁end｜>") +
                               "<｜tool▁calls▁end｜>")},
      {"kimi-k2", chatml("<|tool_calls_section_begin|>" +
                         each("<|tool_call_begin|>functions.{{ f.name }}:{{ loop.index0 }}"
                              "<|tool_call_argument_begin|>{{ f.arguments | tojson }}<|tool_call_end|>") +
                         "<|tool_calls_section_end|>")},
      {"functionary", chatml(each("<function={{ f.name }}>{{ f.arguments | tojson }}</function>"))},
      {"gpt-oss",
       "{% if tools %}<|start|>developer<|message|>{{ tools | tojson }}<|end|>{% endif %}"
       "{% for m in messages %}{% if m.role == 'tool' %}<|start|>functions.{{ m.name }} "
       "to=assistant<|channel|>"
       "commentary<|message|>{{ m.content | tojson }}<|end|>{% elif m.tool_calls %}{% set f = "
       "m.tool_calls[0].function %}"
       "<|start|>assistant to=functions.{{ f.name }}<|channel|>commentary json<|message|>{{ f.arguments | "
       "tojson }}"
       "<|call|>{% elif m.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>{{ m.content "
       "}}<|end|>"
       "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
       "{% if add_generation_prompt %}<|start|>assistant{% endif %}"},
  };
}

std::vector<ToolTemplate> tag_templates() {
  const std::string raw = "{{ v if v is string else v | tojson }}";
  const auto tags = [&](const std::string& open, const std::string& close) {
    return "{% for k, v in f.arguments | items %}" + open + raw + close + "{% endfor %}";
  };
  return {
      {"qwen3-coder",
       chatml(each("\n<tool_call>\n<function={{ f.name }}>\n" +
                   tags("<parameter={{ k }}>\n", "\n</parameter>\n") + "</function>\n</tool_call>"))},
      {"seed",
       chatml(each("\n<seed:tool_call>\n<function={{ f.name }}>\n" +
                   tags("<parameter={{ k }}>", "</parameter>\n") + "</function>\n</seed:tool_call>"))},
      {"glm",
       chatml(each("\n<tool_call>{{ f.name }}\n" +
                   tags("<arg_key>{{ k }}</arg_key>\n<arg_value>", "</arg_value>\n") + "</tool_call>"))},
      {"minimax-m2", chatml("\n<minimax:tool_call>\n" +
                            each("<invoke name=\"{{ f.name }}\">\n" +
                                 tags("<parameter name=\"{{ k }}\">", "</parameter>\n") + "</invoke>\n") +
                            "</minimax:tool_call>")},
  };
}

std::vector<ToolTemplate> literal_templates() {
  return {
      {"lfm2",
       chatml("<|tool_call_start|>[" +
              each("{{ f.name }}({% for k, v in f.arguments | items %}{{ k }}="
                   "{{ \"'\" + v + \"'\" if v is string else v }}{{ ', ' if not loop.last }}{% endfor %})"
                   "{{ ', ' if not loop.last }}") +
              "]<|tool_call_end|>")},
      {"gemma",
       chatml(each("<|tool_call>call:{{ f.name }}{{ '{' }}{% for k, v in f.arguments | dictsort %}{{ k }}:"
                   "{% if v is string %}<|\"|>{{ v }}<|\"|>{% else %}{{ v }}{% endif %}"
                   "{{ ',' if not loop.last }}{% endfor %}{{ '}' }}<tool_call|>"))},
      // Knows nothing of tools.
      {"hermes",
       "{% for m in messages %}{% if m.role not in ['user', 'assistant', 'system'] %}"
       "{{ raise_exception('who is that?') }}{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
       "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
       false, false, false},
  };
}

std::vector<ToolTemplate> all_templates() {
  std::vector<ToolTemplate> out;
  for (auto* const some :
       {object_templates, mistral_templates, named_templates, tag_templates, literal_templates}) {
    for (ToolTemplate& one : some()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::span<const ToolTemplate> tool_templates() {
  static const std::vector<ToolTemplate> kAll = all_templates();
  return kAll;
}

}  // namespace longhand::test
