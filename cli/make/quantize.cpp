// longhand quantize: a model with other tensor types, for less memory and more speed.
#include "engine/longhand_quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/make/long_work.h"
#include "cli/models/model_names.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  std::string in, out, type;
  std::vector<std::string> tensor_types;
  std::string target_size;
  QuantizeOptions options;
  bool dry_run = false, json = false;
};

TensorTypeRule parse_rule(const std::string& text) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    throw UsageError(fmt::format("--tensor-type '{}' must be PATTERN=TYPE", text));
  return {text.substr(0, at), text.substr(at + 1)};
}

bool has_target(const Flags& flags) { return !flags.target_size.empty() || flags.options.target_bits > 0; }

// A dry run needs no name for what it does not write: the word behind the model may be the type.
void settle_words(Flags& flags) {
  const bool target = has_target(flags);
  if (flags.dry_run && !target && flags.type.empty()) std::swap(flags.out, flags.type);
  if (flags.out.empty() && !flags.dry_run) throw UsageError("give OUT, the file to write");
  if (flags.type.empty() && !target) throw UsageError("give TYPE, like Q4_K_M, or --target-size");
  if (!flags.type.empty() && target) throw UsageError("TYPE and a target do not go together");
  if (flags.options.pure && target) throw UsageError("--pure and a target do not go together");
  if (flags.out.empty()) flags.out = "out.gguf";
  flags.options.type = flags.type;
}

std::string dims_text(const QuantizedTensor& t) { return fmt::format("{}", fmt::join(t.dims, " x ")); }

std::string tensor_line(const QuantizedTensor& t) {
  std::string line = fmt::format("{:<40} {:<22} {:>5}", make_visible(t.name), dims_text(t), t.from);
  if (t.from == t.to) return line + fmt::format("          {:>11}\n", format_bytes(t.bytes));
  line += fmt::format(" -> {:<6} {:>11} -> {}", t.to, format_bytes(t.bytes_before), format_bytes(t.bytes));
  if (!t.wanted.empty()) line += fmt::format(" (rows are no whole blocks of {})", t.wanted);
  return line + "\n";
}

std::string fallback_text(const QuantizeReport& report) {
  std::string out;
  for (const QuantizedTensor& t : report.tensors) {
    if (t.wanted.empty()) continue;
    out += fmt::format("{} is {}: its rows of {} weights are no whole blocks of {}\n", make_visible(t.name),
                       t.to, t.dims[0], t.wanted);
  }
  return out;
}

std::string summary_text(const QuantizeReport& report) {
  return fmt::format("{} ({:.2f} bits per weight) -> {} ({:.2f})\n", format_bytes(report.bytes_before),
                     report.bits_before(), format_bytes(report.bytes), report.bits());
}

std::string json_text(const QuantizeReport& report) {
  using Json = nlohmann::ordered_json;
  Json tensors = Json::array();
  for (const QuantizedTensor& t : report.tensors) {
    Json row = {{"name", make_visible(t.name)},   {"dims", t.dims},   {"from", t.from},         {"to", t.to},
                {"bytes_before", t.bytes_before}, {"bytes", t.bytes}, {"importance", t.weighed}};
    if (!t.wanted.empty()) row["wanted"] = t.wanted;
    tensors.push_back(std::move(row));
  }
  Json all = {{"files", report.files},     {"bytes_before", report.bytes_before},
              {"bytes", report.bytes},     {"file_bytes", report.file_bytes},
              {"weights", report.weights}, {"bits_per_weight", report.bits()},
              {"tensors", tensors}};
  if (!report.refusal.empty()) all["refusal"] = make_visible(report.refusal);
  return all.dump(2) + "\n";
}

void tell(const Flags& flags, const QuantizeReport& report) {
  if (flags.json) return write_output(json_text(report));
  std::string out;
  if (flags.dry_run) {
    for (const QuantizedTensor& t : report.tensors) out += tensor_line(t);
  } else {
    out += fallback_text(report);
  }
  write_output(out + summary_text(report));
  if (!report.refusal.empty()) print_note("without --dry-run this is refused: " + report.refusal);
}

int run(Flags flags) {
  settle_words(flags);
  if (!flags.target_size.empty()) flags.options.target_bytes = parse_bytes(flags.target_size);
  for (const std::string& rule : flags.tensor_types) flags.options.tensor_types.push_back(parse_rule(rule));
  const std::string in = model_path(flags.in);
  const QuantizeReport report = with_bar("quantizing", [&](const Progress& progress) {
    flags.options.progress = progress;
    return flags.dry_run ? plan_quantize(in, flags.out, flags.options)
                         : quantize(in, flags.out, flags.options);
  });
  tell(flags, report);
  return kSuccess;
}

void add_types(CLI::App& verb, Flags& flags) {
  QuantizeOptions& options = flags.options;
  verb.add_option(
          "--tensor-type", flags.tensor_types,
          "Type of the tensors whose names match a pattern: 'ffn_down=q6_k'; may be given several times")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("PATTERN=TYPE");
  verb.add_option("--output-tensor-type,--output-type", options.output_type, "Type of the output head")
      ->type_name("TYPE");
  verb.add_option("--token-embedding-type", options.embedding_type, "Type of the token embeddings")
      ->type_name("TYPE");
  verb.add_flag("--pure", options.pure, "No mix: every matrix becomes the main type of TYPE");
  verb.add_flag("--leave-output-tensor", options.leave_output, "The output head stays as it is");
  verb.add_option("--target-size", flags.target_size,
                  "Instead of TYPE: the size of the new file, like 4.2GiB; types are chosen so that the error"
                  " is least")
      ->type_name("SIZE");
  verb.add_option("--target-bpw", options.target_bits, "The same in bits per weight")
      ->check(CLI::Range(0.1, 32.0))
      ->type_name("BITS")
      ->excludes("--target-size");
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("quantize", "Make a model smaller");
  auto flags = std::make_shared<Flags>();
  QuantizeOptions& options = flags->options;
  verb->add_option("IN", flags->in, "Model with floats as weights")->required()->type_name("");
  verb->add_option("OUT", flags->out, "The new file; may be left out with --dry-run")->type_name("");
  verb->add_option("TYPE", flags->type, "Its tensor types, like Q4_K_M")->type_name("");
  verb->add_option("--imatrix", options.importance, "What of each tensor matters, from longhand imatrix")
      ->type_name("FILE");
  add_types(*verb, *flags);
  verb->add_flag("--keep-split", options.keep_split, "Write as many files as IN has");
  verb->add_flag("--allow-requantize", options.allow_requantize,
                 "Also from weights that are quantized already, which loses more");
  verb->add_flag("--check-tensors", options.check_tensors,
                 "Look for NaN and infinity in all tensors before anything is written");
  verb->add_flag("--dry-run", flags->dry_run, "Only tell which types and sizes it would have");
  verb->add_flag("--json", flags->json, "Report as JSON");
  verb->add_option("-t,--threads", options.threads, "Threads; 0: OMP_NUM_THREADS, else all cores")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
  verb->footer("Types: " + fmt::format("{}", fmt::join(quantize_types(), ", ")));
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace longhand::cli
