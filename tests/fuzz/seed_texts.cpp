#include <fmt/format.h>

#include <random>

#include "cli/chat/chat_record.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/call_writer.h"
#include "ops/format.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/bad_gguf.h"

namespace longhand::fuzz {
namespace {

using namespace std::string_literals;

const std::string kTexts[] = {"",
                              "Hello, world!",
                              "the cat's 12345 mice don't  bother\t\n\n  her...\r\n",
                              "\xC3\xA4\xC3\xB6\xC3\xBC \xE4\xB8\xAD\xE6\x96\x87 "
                              "\xF0\x9F\x98\x80\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9 e\xCC\x81",
                              "\xFF\xFE\x80\xC3\xE4\xB8\xF0\x9F\x98",
                              "<|im_start|>user\n</s><s>[INST]<tool><|<|im_end|>",
                              "a\0b\0\0c"s,
                              "\x1b[31mred\x1b[0m \x1b]0;title\x07 \xC2\x9B"
                              "31m \xE2\x80\xAE"
                              "abc \xF3\xA0\x81\x81 \x7F",
                              "\xEF\xBB\xBFline one\r\nline two\n\nlast",
                              "[paste 1: 2 lines]\0one\ntwo\0three\r\nfour\\n\\\\"s,
                              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                              "\xED\xA0\x80\xF4\x90\x80\x80\xC0\xAF\xE0\x80\xAF",
                              "\xE2\x96\x81 a\xE2\x96\x81the\xE2\x96\x81"};

const char* const kTemplates[] = {
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m.content | trim }}<|im_end|>\n{% "
    "endfor "
    "%}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ "
    "raise_exception('roles must alternate') }}{% endif %}{% endfor %}",
    "{%- macro render(m, n=2) -%}[{{ m.role|upper }}:{{ n }}]{{ caller() if caller else '' }}{%- endmacro "
    "-%}{%- for m "
    "in messages -%}{{ render(m, n=loop.index) }}{%- endfor -%}",
    "{% set ns = namespace(found=false, last='') %}{% for m in messages[::-1] %}{% if m.role == 'user' and "
    "not "
    "ns.found %}{% set ns.found = true %}{% set ns.last = m.content %}{% endif %}{% endfor %}{{ ns.last }}",
    "{{ messages | map(attribute='role') | join(', ') }} {{ messages | selectattr('role', 'equalto', 'user') "
    "| list | "
    "length }} {{ messages | groupby('role') | list }}",
    "{{ messages | tojson(indent=2) }} {{ [1, 2.5, none, true, 'x'] | tojson }}",
    "{{ 'a,b,,c'.split(',') }} {{ ' x '.strip() }} {{ 'abc'.replace('b', 'BB') }} {{ 'Hello'[1:3] }} {{ "
    "'abc' ~ 1 }} "
    "{{ 'x'.startswith(('x', 'y')) }}",
    "{{ 7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 1 / 3 }} {{ 5 if x > 1 else 6 }} {{ [3, 1, 2] | sort | "
    "reverse | list "
    "}} {{ range(10)[2:8:3] | sum }}",
    "{{ '%s %5.2f %d %x' | format('a', 1.5, 3, 255) }} {{ '{:>8}|{:08.3f}'.format('ab', 2.5) }} {{ "
    "strftime_now('%d %b "
    "%Y') }}",
    "{% filter upper %}abc{{ messages[1].content }}{% endfilter %}{# note #}{% raw %}{{ x }}{% endraw %}",
    "{% for k, v in messages[0].items() recursive %}{{ loop.depth }}{{ k }}={{ v }}{% if not loop.last %}, "
    "{% endif "
    "%}{% else %}none{% endfor %}",
    "{% for i in range(100) %}{% if i is odd %}{% continue %}{% endif %}{% if i > 20 %}{% break %}{% endif "
    "%}{{ i }}{% "
    "endfor %}",
    "{{ messages is defined and messages is sequence and tools is none }} {{ y | default('z', true) }} {{ "
    "dict(a=1, "
    "**{'b': 2}) }}",
    "{% set content %}{{ messages[1]['content'] }} more{% endset %}{{ content | length }} {{ content | "
    "truncate(9) }} {{ "
    "content | wordcount }} {{ content | escape }}",
    "{% call(a) f(1) %}{{ a }}{% endcall %}",
    "{{ a.b.c }}",
    "{% if %}",
    "{{ 'unterminated",
    "{% for m in messages %}",
    "{{ ((((((((1)))))))) }} {{ [[[[[[]]]]]] }}",
    "{{ 'a' * 1000000 }}",
    "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
    "{{ '\\u00e4\\x41\\U0001F600\\n' }} {{ \"it's\" }} {{ 1e3 }} {{ 1_000 }} {{ 0x1F }}",
    "{%- if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] "
    "%}{% else "
    "%}{% set rest = messages %}{% endif -%}{{ system }}{% for m in rest %}{{ "
    "m.content.split('</think>')[-1].lstrip('\\n') }}{% endfor %}"};

const char* const kGrammars[] = {"root ::= \"yes\" | \"no\"",
                                 "root ::= [a-z]+ (\", \" [a-z]+)* \".\"",
                                 "root ::= item{2,5}\nitem ::= [^\\n\"\\\\] | \"\\\\\" .",
                                 "root ::= expr\nexpr ::= term ((\"+\" | \"-\") term)*\nterm ::= num | \"(\" "
                                 "expr \")\"\nnum ::= [0-9]{1,3}",
                                 "root ::= ([\\u00e4-\\u00fc\\U0001F600] | \"\\x41\")? # note\n",
                                 "root ::= root \"a\" | \"b\"",
                                 "root ::= a\na ::= b\nb ::= \"\"",
                                 "root ::= (((\"a\"?)*)+){0,3} \"b\"",
                                 "root ::= missing",
                                 "root ::= \"a",
                                 "root ::= [",
                                 "root ::= \"x\"{2000}",
                                 "root ::= [a-",
                                 "root ::= <1> | !<2>",
                                 "root ::= object\nobject ::= \"{\" ws (pair (\",\" ws pair)*)? \"}\"\npair "
                                 "::= str \":\" ws value\nvalue ::= object | str\nstr "
                                 "::= \"\\\"\" [^\"\\x00-\\x1f]* \"\\\"\"\nws ::= [ \\t\\n]{0,4}"};

const char* const kSchemas[] = {
    "{}",
    "true",
    "{\"type\":\"string\"}",
    "{\"type\":[\"integer\",\"null\"]}",
    "{\"enum\":[1,\"a\",null,[1,2],{\"b\":true}]}",
    "{\"const\":\"x\\n\\u00e4\"}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"array\",\"items\":{"
    "\"type\":"
    "\"boolean\"},\"minItems\":1,\"maxItems\":3}},\"required\":[\"b\"],\"additionalProperties\":false}",
    "{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":\"#/$defs/"
    "node\"}},\"$defs\":{\"node\":{\"type\":\"object\","
    "\"properties\":{\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/node\"},{\"type\":\"null\"}]}}}}}",
    "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-\\\\d{3,5}(a|b)*$\"}",
    "{\"type\":\"string\",\"minLength\":2,\"maxLength\":5}",
    "{\"type\":\"string\",\"format\":\"date-time\"}",
    "{\"type\":\"integer\",\"minimum\":-12,\"exclusiveMaximum\":1005}",
    "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}},{\"properties\":{\"b\":{"
    "\"type\":\"string\"}},\"required\":[\"b\"]}]}",
    "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"number\"},{\"const\":2}],\"items\":false}",
    "{\"oneOf\":[{\"type\":\"string\",\"format\":\"uuid\"},{\"type\":\"string\",\"pattern\":\"\\\\w+\\\\s?[^"
    "x]\"}]}",
    "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
    "{\"not\":{}}",
    "{\"$ref\":\"#\"}",
    "[1",
    "{\"type\":\"string\",\"minLength\":5,\"maxLength\":2}"};

class Seeds {
 public:
  void add(const std::string& target, std::string bytes) {
    seeds_.push_back({target, fmt::format("seed_{:02}", seeds_.size() - first_), std::move(bytes)});
  }
  void next_target() { first_ = seeds_.size(); }
  std::vector<Seed> take() { return std::move(seeds_); }

 private:
  std::vector<Seed> seeds_;
  std::size_t first_ = 0;
};

void add_records(Seeds& seeds) {
  cli::ChatRecord record;
  record.model = "tiny";
  record.system = "Be kind.";
  record.settings = {{"temp", "0.8"}, {"top-k", "40"}};
  record.turns = {{"Hi \xC3\xA4", "Hello\n\"you\"", "think", true, false},
                  {"\xFF\xFE", "\x1b", "", true, true}};
  const std::string written = cli::write_record(record);
  seeds.add("record", written);
  seeds.add("record", "s" + written.substr(written.find('\n') + 1));
  seeds.add("record", "s{\"model\":{\"bytes\":\"\xC3\xBF\"},\"system\":\"\",\"settings\":{},\"turns\":[]}\n");
  seeds.add("record",
            "s{\"model\":\"\",\"system\":\"\",\"settings\":{\"a\":\"b\"},\"turns\":[{\"user\":1}]}");
  seeds.add("record", "wmodel\0system\0temp\0\1user\0answer\0reason\0\2\xFF\0\0\0"s);
}

void add_kernels(Seeds& seeds) {
  std::minstd_rand random(3);
  for (int format = 0; format < kFormatCount; ++format) {
    std::string bytes = {char(format), char(random() % 35), char(random() % 4), char(random() % 9),
                         char(random() % 24)};
    for (int i = 0; i < 150; ++i) bytes += char(random() % 256);
    seeds.add("kernels", bytes);
  }
  for (const char* fill : {"\x7F", "\xFF", "\x80"}) {
    for (int format = 0; format < kFormatCount; ++format)
      seeds.add("kernels", std::string{char(format), 17, 1, 3, 12} + fill);
  }
}

// Every form of calls, as a model would write two of them.
void add_tools(Seeds& seeds) {
  const std::vector<ToolCall> calls = {
      {"abcdefgh1", "f", R"({"s": "a<b", "n": 1.5, "m": [null, {"x": "'"}]})", true},
      {"abcdefgh2", "g", "{}", true}};
  const auto& forms = call_forms();
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const std::string text = prompt_text(write_calls(forms[i], calls));
    const std::size_t how = forms[i].in_header ? 2 : i % 2;
    seeds.add("tools",
              std::string{char(i), 0, char(how), 0, char(i % 9), 0} + "I see.</think> So\n" + text + "\n");
  }
}

void add_safetensors(Seeds& seeds) {
  const auto add = [&](const std::string& header, std::size_t data) {
    std::string size(8, '\0');
    size[0] = char(header.size() % 256);
    size[1] = char(header.size() / 256);
    seeds.add("safetensors", size + header + std::string(data, 'x'));
  };
  add("{}", 0);
  add(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})", 8);
  add(R"({"b":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[2,5]},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}})",
      5);
  add(R"({"a":{"dtype":"I64","shape":[4611686018427387904,8],"data_offsets":[0,18446744073709551615]}})", 4);
}

// Pieces with a score and a type, then what training and normalising say.
void add_spm_models(Seeds& seeds) {
  const std::string pieces = "\n\x0E\n\5<unk>\x15\0\0\0\0\x18\2\n\n\n\3\xE2\x96\x81\x15\0\0\x80\xBF"s;
  seeds.add("spm_model", pieces);
  seeds.add("spm_model", pieces + "\x12\2\x18\2\x1A\2\x18\0"s);
  seeds.add("spm_model", "\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
}

}  // namespace

std::vector<Seed> text_seeds() {
  Seeds seeds;
  seeds.add("gguf", test::small_gguf().build());
  const auto bad = test::bad_gguf_files();
  for (std::size_t i = 0; i < bad.size(); i += 8)
    if (bad[i].bytes.size() < 4096) seeds.add("gguf", bad[i].bytes);
  seeds.next_target();
  for (int kind = 0; kind < 10; ++kind)
    for (const std::string& text : kTexts) seeds.add("tokenizer", std::string(1, char(kind)) + text);
  for (const char* target : {"detokenizer", "filter", "line"}) {
    seeds.next_target();
    for (const std::string& text : kTexts) seeds.add(target, (target == "line"s ? "" : "\2") + text);
  }
  seeds.next_target();
  for (const char* text : kTemplates) seeds.add("template", text);
  seeds.next_target();
  for (const char* text : kGrammars) seeds.add("grammar", text + "\0abc, 1+(2){\"a\":"s);
  seeds.next_target();
  for (const char* text : kSchemas) seeds.add("schema", text + "\0{\"a\":12,\"b\":[true]}"s);
  seeds.next_target();
  add_records(seeds);
  seeds.next_target();
  add_kernels(seeds);
  seeds.next_target();
  add_tools(seeds);
  seeds.next_target();
  add_safetensors(seeds);
  seeds.next_target();
  add_spm_models(seeds);
  return seeds.take();
}

}  // namespace longhand::fuzz
