#include "cli/flags/arguments.h"

#include <fmt/format.h>

#include <algorithm>
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
    {"-mmp", "--mmap"},
    {"-jf", "--json-schema-file"},
    {"-npl", "--npl"},
    {"-pg", "--pg"},
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
                                          "--input"};

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

std::string long_name(const std::string& argument) {
  const auto alias = std::ranges::find_if(kAliases, [&](const Alias& a) { return a.written == argument; });
  if (alias != std::end(kAliases)) return std::string(alias->meant);
  if (is_short_word(argument)) throw UsageError(fmt::format("unknown option {}", argument));
  return argument;
}

}  // namespace

std::vector<std::string> normalise_arguments(std::vector<std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    arguments[i] = with_dashes(std::move(arguments[i]));
    if (contains(kTakeText, arguments[i])) {
      arguments[i] = long_name(arguments[i]);
      ++i;
    } else if (const Optional* flag = find_optional(arguments[i])) {
      const bool has_value = i + 1 < arguments.size() && contains(kSwitch, arguments[i + 1]);
      arguments[i] =
          fmt::format("{}={}", flag->meant, has_value ? std::string_view(arguments[i + 1]) : flag->otherwise);
      if (has_value) arguments.erase(arguments.begin() + std::ptrdiff_t(i) + 1);
    } else {
      arguments[i] = long_name(arguments[i]);
    }
  }
  return arguments;
}

}  // namespace longhand::cli
