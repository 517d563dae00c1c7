// longhand edit: other metadata for a model.
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "cli/exit_status.h"
#include "cli/make/long_work.h"
#include "cli/models/model_names.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/verbs.h"
#include "engine/longhand_edit.h"
#include "loaders/gguf/gguf.h"

namespace longhand::cli {
namespace {

struct EditFlags {
  std::string model, out, template_file;
  std::vector<std::string> set, remove, rename, special;
};

// Two sides of "NAME=VALUE".
std::pair<std::string, std::string> sides(const std::string& text, const char* form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(fmt::format("'{}' must be {}", make_visible(text), form));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// The number of a token that is given as such, or by its text.
std::size_t token_of(const Gguf& file, const std::string& text) {
  const std::vector<std::string_view> tokens = file.get_strings(key::tokens);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id] == text) return id;
  }
  std::size_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size() && id < tokens.size()) return id;
  throw Error(Errc::range, fmt::format("{}: '{}' is no token, must be the text of one or a number below {}",
                                       make_visible(file.name()), make_visible(text), tokens.size()));
}

// "eos=<|im_end|>" as the key that says so.
std::string special_key(const Gguf& file, const std::string& text) {
  const auto [role, token] = sides(text, "ROLE=TOKEN, such as eos=<|im_end|> or pad=0");
  return fmt::format("tokenizer.ggml.{}_token_id=u32:{}", role, token_of(file, token));
}

int run_edit(const EditFlags& flags) {
  const std::string model = model_path(flags.model);
  MetadataEdit edit{{}, flags.remove, flags.set};
  for (const std::string& text : flags.rename) edit.rename.push_back(sides(text, "OLD=NEW"));
  if (!flags.special.empty()) {
    const Gguf file = Gguf::open(model);
    for (const std::string& text : flags.special) edit.set.push_back(special_key(file, text));
  }
  if (!flags.template_file.empty())
    edit.set.push_back("tokenizer.chat_template=string:" + read_text(flags.template_file));
  if (edit.rename.empty() && edit.remove.empty() && edit.set.empty())
    throw UsageError("nothing to change is given");

  const bool in_place = with_bar(
      "writing", [&](const Progress& progress) { return edit_metadata(model, flags.out, edit, progress); });
  if (flags.out.empty())
    print_note(in_place ? "the metadata was changed in place" : "the file was written anew");
  return kSuccess;
}

}  // namespace

void add_edit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EditFlags>();
  CLI::App* verb = app.add_subcommand("edit", "Change the metadata of a model");
  const auto many = CLI::MultiOptionPolicy::TakeAll;
  verb->add_option("model", flags->model, "The model")->required()->type_name("MODEL");
  verb->add_option("-o,--output", flags->out, "Write the result here; default: the model itself changes")
      ->type_name("OUT");
  verb->add_option("--set", flags->set, "A value: KEY=VALUE keeps the key's type, KEY=TYPE:VALUE gives one")
      ->multi_option_policy(many)
      ->type_name("KEY=VALUE");
  verb->add_option("--remove", flags->remove, "A key to remove")->multi_option_policy(many)->type_name("KEY");
  verb->add_option("--rename", flags->rename, "A key to rename")
      ->multi_option_policy(many)
      ->type_name("OLD=NEW");
  verb->add_option("--special", flags->special,
                   "A special token: eos=<|im_end|>, pad=0, by its text or number")
      ->multi_option_policy(many)
      ->type_name("ROLE=TOKEN");
  verb->add_option("--chat-template-file", flags->template_file, "The chat template, from a file")
      ->type_name("FILE");
  verb->footer(
      "Types: u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 bool string. Where the new metadata fits, only that is\n"
      "written, however large the model is; an edit that was interrupted is taken back by the next.");
  verb->callback([flags, &action] { action = [flags] { return run_edit(*flags); }; });
}

}  // namespace longhand::cli
