#include "cli/flags/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cli/exit_status.h"

namespace longhand::cli {
namespace {

struct Alias {
  std::string_view written;
  std::string_view meant;
};

constexpr Alias kAliases[] = {
    {"-ctk", "--cache-type-k"},
    {"-ctv", "--cache-type-v"},
    {"-ub", "--ubatch-size"},
    {"-tb", "--threads-batch"},
    {"-nr", "--no-repack"},
    {"-sys", "--system-prompt"},
    {"-sysf", "--system-prompt-file"},
    {"-st", "--single-turn"},
    {"-bf", "--binary-file"},
    {"-md", "--model-draft"},
    {"-cnv", "--conversation"},
    {"-no-cnv", "--no-conversation"},
    {"-mli", "--multiline-input"},
    {"-ngl", "--gpu-layers"},
    {"-sm", "--split-mode"},
    {"-mg", "--main-gpu"},
    {"-ts", "--tensor-split"},
    {"-ot", "--override-tensor"},
    {"-cmoe", "--cpu-moe"},
    {"-ncmoe", "--n-cpu-moe"},
    {"-dev", "--device"},
    {"-fit", "--fit"},
    {"-fitt", "--fit-target"},
    {"-fitc", "--fit-ctx"},
    {"-ngld", "--gpu-layers-draft"},
    {"-devd", "--device-draft"},
    {"-otd", "--override-tensor-draft"},
    {"-cmoed", "--cpu-moe-draft"},
    {"-ncmoed", "--n-cpu-moe-draft"},
    {"-kvo", "--kv-offload"},
    {"-lv", "--verbosity"},
    {"-dt", "--defrag-thold"},
    {"-Cr", "--cpu-range"},
    {"-Cb", "--cpu-mask-batch"},
    {"-Crb", "--cpu-range-batch"},
    {"-Cd", "--cpu-mask-draft"},
    {"-Crd", "--cpu-range-draft"},
    {"-Cbd", "--cpu-mask-batch-draft"},
    {"-td", "--threads-draft"},
    {"-tbd", "--threads-batch-draft"},
    {"-ctkd", "--cache-type-k-draft"},
    {"-ctvd", "--cache-type-v-draft"},
    {"-ctxcp", "--ctx-checkpoints"},
    {"--swa-checkpoints", "--ctx-checkpoints"},
    {"-rea", "--reasoning"},
    {"-bs", "--backend-sampling"},
    {"-dio", "--direct-io"},
    {"-ndio", "--no-direct-io"},
    {"-lm", "--load-mode"},
    {"-ptc", "--print-token-count"},
    {"-sp", "--special"},
    {"-if", "--interactive-first"},
    {"-i", "--interactive"},
    {"-cl", "--cache-list"},
    {"-gan", "--grp-attn-n"},
    {"-gaw", "--grp-attn-w"},
    {"-mm", "--mmproj"},
    {"-mmu", "--mmproj-url"},
    {"-dr", "--docker-repo"},
    {"-hft", "--hf-token"},
    {"-hfv", "--hf-repo-v"},
    {"-hfrv", "--hf-repo-v"},
    {"-hffv", "--hf-file-v"},
    {"-hfd", "--hf-repo-draft"},
    {"-hfrd", "--hf-repo-draft"},
    {"--spec-draft-hf", "--hf-repo-draft"},
    {"--spec-draft-model", "--model-draft"},
    {"--spec-draft-n-max", "--draft-max"},
    {"--spec-draft-n-min", "--draft-min"},
    {"--spec-draft-p-min", "--draft-p-min"},
    {"--spec-draft-p-split", "--draft-p-split"},
    {"--spec-draft-threads", "--threads-draft"},
    {"--spec-draft-threads-batch", "--threads-batch-draft"},
    {"--spec-draft-cpu-mask", "--cpu-mask-draft"},
    {"--spec-draft-cpu-range", "--cpu-range-draft"},
    {"--spec-draft-cpu-strict", "--cpu-strict-draft"},
    {"--spec-draft-prio", "--prio-draft"},
    {"--spec-draft-poll", "--poll-draft"},
    {"--spec-draft-cpu-mask-batch", "--cpu-mask-batch-draft"},
    {"--spec-draft-cpu-strict-batch", "--cpu-strict-batch-draft"},
    {"--spec-draft-prio-batch", "--prio-batch-draft"},
    {"--spec-draft-poll-batch", "--poll-batch-draft"},
    {"--spec-draft-type-k", "--cache-type-k-draft"},
    {"--spec-draft-type-v", "--cache-type-v-draft"},
    {"--spec-draft-override-tensor", "--override-tensor-draft"},
    {"--spec-draft-cpu-moe", "--cpu-moe-draft"},
    {"--spec-draft-n-cpu-moe", "--n-cpu-moe-draft"},
    {"--spec-draft-ncmoe", "--n-cpu-moe-draft"},
    {"--spec-draft-device", "--device-draft"},
    {"--spec-draft-ngl", "--gpu-layers-draft"},
    {"--sampler-seq", "--sampling-seq"},
    {"-mmp", "--mmap"},
    {"-jf", "--json-schema-file"},
    {"-npl", "--npl"},
    {"-pg", "--pg"},
    {"-np", "--parallel"},
    {"-cram", "--cache-ram"},
};

// Flags whose value is free text or a path, which may look like a flag.
constexpr std::string_view kTakeText[] = {"-p",
                                          "--prompt",
                                          "-sys",
                                          "--system-prompt",
                                          "-m",
                                          "--model",
                                          "-md",
                                          "--model-draft",
                                          "-f",
                                          "--file",
                                          "-o",
                                          "--output",
                                          "--tensor",
                                          "--tokens",
                                          "--query",
                                          "--grammar",
                                          "--grammar-file",
                                          "-j",
                                          "--json-schema",
                                          "-jf",
                                          "--json-schema-file",
                                          "--dry-sequence-breaker",
                                          "-sysf",
                                          "--system-prompt-file",
                                          "-bf",
                                          "--binary-file",
                                          "--per-token",
                                          "--kl-save",
                                          "--kl-base",
                                          "--filler",
                                          "--write",
                                          "--template",
                                          "--chat-template",
                                          "--chat-template-file",
                                          "--chat-template-kwargs",
                                          "-r",
                                          "--reverse-prompt",
                                          "--stop",
                                          "--prompt-cache",
                                          "--override-kv",
                                          "--lora",
                                          "--control-vector",
                                          "--input",
                                          "--api-key",
                                          "--api-key-file",
                                          "--alias",
                                          "-a",
                                          "--unix"};

// Flags that name a model in one word of their own: "-hf X" is "--model hf:X".
constexpr Alias kSources[] = {
    {"-hf", "hf:"}, {"-hfr", "hf:"}, {"--hf-repo", "hf:"}, {"-mu", ""}, {"--model-url", ""}};

// Flags that take a value in some of llama.cpp's programs or versions, and none in others.
struct Optional {
  std::string_view written, meant, otherwise;
};
constexpr Optional kOptional[] = {
    {"-fa", "--flash-attn", "auto"},   {"-co", "--color", "auto"}, {"-nkvo", "--no-kv-offload", "1"},
    {"-nopo", "--no-op-offload", "1"}, {"", "--no-host", "1"},     {"", "--context-shift", "on"}};
constexpr std::string_view kSwitch[] = {"on", "off", "auto", "0", "1", "true", "false"};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

const Optional* find_optional(std::string_view argument) {
  if (argument.empty()) return nullptr;  // rows without a short form have an empty one
  const auto found = std::ranges::find_if(
      kOptional, [&](const Optional& o) { return o.written == argument || o.meant == argument; });
  return found == std::end(kOptional) ? nullptr : found;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "-hf", which CLI11 would read as -h -f or -h f; but not "-n5".
bool is_short_word(std::string_view a) {
  return a.size() > 2 && a[0] == '-' && is_letter(a[1]) && is_letter(a[2]);
}

// "--ctx_size=512" is "--ctx-size=512".
std::string with_dashes(std::string argument) {
  if (argument.starts_with("--"))
    std::replace(argument.begin(), std::find(argument.begin(), argument.end(), '='), '_', '-');
  return argument;
}

const Alias* find_source(std::string_view argument) {
  const auto found = std::ranges::find(kSources, argument, &Alias::written);
  return found == std::end(kSources) ? nullptr : found;
}

// "hf:OWNER/REPO:QUANT" with a certain file instead.
void add_file(std::string& source, const std::string& file) {
  constexpr std::string_view kHub = "hf:";
  if (!source.starts_with(kHub)) throw UsageError("--hf-file goes with --hf-repo (-hf)");
  source = source.substr(0, source.find(':', kHub.size())) + "/" + file;
}

// Flags that take FILE SCALE, too: "--lora-scaled FILE 0.5" is "--lora-scaled FILE:0.5".
constexpr std::string_view kScaled[] = {"--lora-scaled", "--control-vector-scaled"};

bool is_number(const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

std::string long_name(const std::string& argument) {
  const auto alias = std::ranges::find_if(kAliases, [&](const Alias& a) { return a.written == argument; });
  if (alias != std::end(kAliases)) return std::string(alias->meant);
  if (is_short_word(argument)) throw UsageError(fmt::format("unknown option {}", argument));
  return argument;
}

}  // namespace

std::vector<std::string> normalise_arguments(std::vector<std::string> arguments) {
  std::string file;  // of the repository that is the source
  std::size_t source_at = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    arguments[i] = with_dashes(std::move(arguments[i]));
    const bool has_next = i + 1 < arguments.size();
    if (const Alias* named = find_source(arguments[i]); named != nullptr && has_next) {
      arguments[i] = "--model";
      arguments[++i].insert(0, named->meant);
      source_at = i;
    } else if ((arguments[i] == "-hff" || arguments[i] == "--hf-file") && has_next) {
      file = arguments[i + 1];
      arguments.erase(arguments.begin() + std::ptrdiff_t(i), arguments.begin() + std::ptrdiff_t(i) + 2);
      --i;
    } else if (contains(kScaled, arguments[i])) {
      if (++i + 1 >= arguments.size() || !is_number(arguments[i + 1])) continue;
      arguments[i] += ":" + arguments[i + 1];
      arguments.erase(arguments.begin() + std::ptrdiff_t(i) + 1);
    } else if (contains(kTakeText, arguments[i])) {
      arguments[i] = long_name(arguments[i]);
      ++i;
    } else if (const Optional* flag = find_optional(arguments[i])) {
      const bool has_value = has_next && contains(kSwitch, arguments[i + 1]);
      arguments[i] =
          fmt::format("{}={}", flag->meant, has_value ? std::string_view(arguments[i + 1]) : flag->otherwise);
      if (has_value) arguments.erase(arguments.begin() + std::ptrdiff_t(i) + 1);
    } else {
      arguments[i] = long_name(arguments[i]);
    }
  }
  if (!file.empty()) add_file(arguments[source_at], file);
  return arguments;
}

}  // namespace longhand::cli
