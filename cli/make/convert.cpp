// longhand convert: makes a GGUF file of a folder as Hugging Face keeps models.
#include "engine/longhand_convert.h"

#include <fmt/format.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/make/long_work.h"
#include "cli/terminal/output.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/terminal/user_dirs.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  std::string folder, out;
  ConvertOptions options;
};

int convert(const Flags& flags) {
  const ConvertedModel made = with_bar("converting", [&](Progress progress) {
    ConvertOptions options = flags.options;
    options.progress = std::move(progress);
    return convert_model(expand_home(flags.folder), expand_home(flags.out), options);
  });
  for (const std::string& note : made.notes) print_note(note);
  write_output(fmt::format("{}: {}, {} tensors, {}, {}\n", flags.out, made.architecture, made.tensors,
                           made.type, format_bytes(made.bytes)));
  return kSuccess;
}

}  // namespace

void add_convert(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("convert", "Make a GGUF file of a Hugging Face folder");
  auto flags = std::make_shared<Flags>();
  verb->add_option("DIR", flags->folder, "Folder with config.json, model*.safetensors and a tokenizer")
      ->required()
      ->type_name("");
  verb->add_option("OUT", flags->out, "The file to write")->required()->type_name("");
  verb->add_option("--outtype", flags->options.type, "What matrices are written as")
      ->check(CLI::IsMember({"auto", "f32", "f16", "bf16", "q8_0"}))
      ->capture_default_str();
  verb->add_option("--pre", flags->options.pre_tokenizer,
                   "How words are cut (tokenizer.ggml.pre), where tokenizer.json does not tell")
      ->type_name("NAME");
  verb->add_flag("--check-tensors", flags->options.check_tensors, "Refuse weights that are NaN or infinite");
  verb->footer(
      "auto: as the weights are stored. Norms, biases and other small tensors are always F32, and experts in "
      "MXFP4\n"
      "stay as they are. `longhand chat DIR` and the like open such a folder at once. See docs/convert.md.");
  verb->callback([flags, &action] { action = [flags] { return convert(*flags); }; });
}

}  // namespace longhand::cli
