#include "cli/chat/chat_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/exit_status.h"
#include "cli/terminal/escapes.h"
#include "cli/terminal/local_time.h"
#include "cli/terminal/output.h"
#include "cli/terminal/text_file.h"

namespace longhand::cli {
namespace {

const std::set<std::string> kSwitch = {"on", "off", "auto", "0", "1", "true", "false"};

// Of the flags that /set can change too.
constexpr std::pair<const char*, const char*> kSettingFlags[] = {
    {"temp", "--temp"},
    {"dynatemp_range", "--dynatemp-range"},
    {"dynatemp_exponent", "--dynatemp-exp"},
    {"top_k", "--top-k"},
    {"top_p", "--top-p"},
    {"min_p", "--min-p"},
    {"typical_p", "--typical"},
    {"top_n_sigma", "--top-nsigma"},
    {"xtc_probability", "--xtc-probability"},
    {"xtc_threshold", "--xtc-threshold"},
    {"repeat_penalty", "--repeat-penalty"},
    {"repeat_last_n", "--repeat-last-n"},
    {"presence_penalty", "--presence-penalty"},
    {"frequency_penalty", "--frequency-penalty"},
    {"dry_multiplier", "--dry-multiplier"},
    {"dry_base", "--dry-base"},
    {"dry_allowed_length", "--dry-allowed-length"},
    {"dry_penalty_last_n", "--dry-penalty-last-n"},
    {"dry_breakers", "--dry-sequence-breaker"},
    {"mirostat", "--mirostat"},
    {"mirostat_tau", "--mirostat-ent"},
    {"mirostat_eta", "--mirostat-lr"},
    {"ignore_eos", "--ignore-eos"},
    {"grammar", "--grammar"},
    {"grammar", "--grammar-file"},
    {"grammar", "--json-schema"},
    {"grammar", "--json-schema-file"},
    {"samplers", "--samplers"},
    {"samplers", "--sampling-seq"},
    {"logit_bias", "--logit-bias"},
    {"seed", "--seed"},
    {"max_tokens", "--predict"},
    {"stop", "--stop"},
    {"context_shift", "--context-shift"},
    {"keep", "--keep"},
    {"think", "--reasoning"},
    {"reasoning_budget", "--reasoning-budget"},
    {"reasoning_format", "--reasoning-format"},
    {"template_variables", "--chat-template-kwargs"},
    {"plain", "--plain"},
};

}  // namespace

std::set<std::string> ChatFlags::given() const {
  std::set<std::string> names;
  for (const auto& [name, option] : settings_)
    if (option->count() > 0) names.insert(name);
  return names;
}

std::string ChatFlags::first_message(bool with_stdin) const {
  std::string message;
  const auto add = [&message](std::string text) {
    if (text.ends_with('\n')) text.pop_back();  // editors put it there, nobody means it
    if (!message.empty() && !text.empty()) message += "\n\n";
    message += text;
  };
  if (prompt_.empty() && file_.empty()) return "";
  if (with_stdin && file_ != "-") add(read_plain_text("-"));
  if (!file_.empty()) add(read_plain_text(file_));
  add(without_mark(escapes_ ? unescape(prompt_) : prompt_));
  return message;
}

ProgramSettings ChatFlags::settings(const Model& model) const {
  ProgramSettings settings;
  settings.system = system_file_.empty() ? system_ : read_plain_text(system_file_);
  settings.max_tokens = max_tokens_;
  settings.sampler = sampling.options(model);
  for (const std::string& stop : stops_) settings.stop.push_back(escapes_ ? unescape(stop) : stop);
  settings.context_shift = context_shift_ != "off" && context_shift_ != "0" && context_shift_ != "false";
  settings.keep = std::max(keep_, 0);
  settings.variables = variables_;
  settings.reasoning_budget = reasoning_budget_;
  settings.reasoning_apart = reasoning_format_ != "none";
  if (reasoning_ != "auto") settings.thinking = reasoning_ == "on";
  settings.plain = plain_;
  return settings;
}

ChatTemplateOptions ChatFlags::written_as() const {
  ChatTemplateOptions options{.text = template_file_.empty() ? template_ : read_text(template_file_),
                              .now = local_time()};
  // llama.cpp has names for templates of its own; models bring theirs.
  if (!options.text.empty() && options.text.find('{') == std::string::npos)
    throw UsageError(fmt::format("--chat-template: '{}' is no Jinja template", options.text));
  return options;
}

void ChatFlags::add_message(CLI::App& verb) {
  verb.add_option("--system-prompt", system_, "What the model is told before the chat (-sys)")
      ->type_name("TEXT");
  verb.add_option("--system-prompt-file", system_file_, "The same from a file (-sysf)")->type_name("FILE");
  verb.add_option("-p,--prompt", prompt_, "The first message; text from a pipe goes before it")
      ->type_name("TEXT");
  verb.add_option("-f,--file", file_, "File that goes before -p in the first message; - is a pipe")
      ->type_name("FILE");
  verb.add_flag("--single-turn", single_turn, "Leave after the answer to -p or -f (-st)");
  verb.add_flag("-e,--escape,!--no-escape", escapes_,
                "Read \\n, \\t and such in -p and --stop as what they mean; on unless --no-escape");
  verb.add_flag("--commands", commands,
                "Lines of a pipe that begin with / are commands, as at a terminal; else all are messages");
}

void ChatFlags::add_template(CLI::App& verb) {
  auto* text = verb.add_option("--chat-template", template_, "Jinja template instead of the model's own")
                   ->type_name("TEXT");
  verb.add_option("--chat-template-file", template_file_, "File with that template")
      ->type_name("FILE")
      ->excludes(text);
  verb.add_option("--chat-template-kwargs", variables_,
                  "JSON object of variables for the template: {\"enable_thinking\": false}")
      ->type_name("JSON");
}

void ChatFlags::add_reasoning(CLI::App& verb) {
  verb.add_option("--reasoning", reasoning_,
                  "Whether a model that can reasons before it answers; auto: as it likes")
      ->check(CLI::IsMember({"on", "off", "auto"}))
      ->capture_default_str()
      ->type_name("WORD");
  verb.add_option("--reasoning-budget", reasoning_budget_,
                  "Tokens of reasoning, after which it is ended; -1: no limit, 0: as --reasoning off")
      ->check(CLI::Range(-1, 1 << 30))
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--reasoning-format", reasoning_format_,
                  "none: reasoning is part of the answer, markers and all; else it is shown apart")
      ->check(CLI::IsMember({"none", "auto", "deepseek", "deepseek-legacy"}))
      ->capture_default_str()
      ->type_name("WORD");
}

void ChatFlags::add_answers(CLI::App& verb) {
  verb.add_option("-n,--n-predict,--predict", max_tokens_, "Tokens of one answer at most; -1: no limit")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  add_stops(verb, stops_);
  verb.add_option(
          "--context-shift", context_shift_,
          "When the context is full and the oldest turns leave it, move what was computed of the others "
          "(on), or read them again (off)")
      ->check(CLI::IsMember(kSwitch))
      ->capture_default_str()
      ->type_name("WORD");
  verb.add_option("--keep", keep_,
                  "When the context is full, the first turns stay: those that take so many tokens at most; "
                  "the system "
                  "prompt always stays")
      ->check(CLI::Range(-1, 1 << 30))
      ->capture_default_str()
      ->type_name("N");
  verb.add_flag_callback("--no-context-shift", [this] { context_shift_ = "off"; })->group("");
  verb.add_flag("--plain", plain_, "Show answers as they come, without wrapped words and Markdown");
}

void ChatFlags::add_surroundings(CLI::App& verb) {
  verb.add_option(
          "--tools", tools,
          "The model may call the functions in this file, a JSON array as OpenAI has it; their results "
          "are asked for")
      ->type_name("FILE");
  verb.add_option("--tool-choice", tool_choice,
                  "auto; required: the first answer to a message is a call; or the function that it calls")
      ->capture_default_str()
      ->type_name("WORD");
  verb.add_flag("--json", json, "Write events on standard output, one JSON object a line");
  verb.add_flag("--simple-io", simple_io, "No line editing, no colours, no bars");
  verb.add_flag("--show-prompt", show_prompt,
                "Show what the model is given, control tokens and all, on standard error");
  const auto set = [this](const std::string& name) {
    go_on = name.empty() || name == "true" ? kLatest : name;
  };
  verb.add_option_function<std::string>("--continue", set, "Go on with a saved chat, or with the last one")
      ->expected(0, 1)
      ->type_name("[NAME]");
  verb.add_flag("--no-autosave", no_autosave, "Save a chat only when /save says so");
  verb.add_option("--chat-cache", cache_limit,
                  "MiB at most of the file beside a saved chat that spares /load reading it again; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  verb.add_flag("--no-history", no_history, "Do not keep what is typed");
  for (const char* usual : {"--conversation", "--multiline-input", "--offline"}) {
    verb.add_flag(usual, as_usual_)->group("");  // what this verb does anyway
  }
  verb.add_option("--color", colour)->check(CLI::IsMember(kSwitch))->group("");
}

void ChatFlags::add_to(CLI::App& verb) {
  add_message(verb);
  add_template(verb);
  add_reasoning(verb);
  add_answers(verb);
  add_surroundings(verb);
  sampling.add_to(verb);
  session.add_to(verb);
  for (const auto& [name, flag] : kSettingFlags) settings_.emplace_back(name, verb.get_option(flag));
  names_model = verb.get_option("--model");
  speculation.add_to(verb);
}

}  // namespace longhand::cli
