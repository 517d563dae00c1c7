#include "cli/arguments.h"

#include <algorithm>
#include <array>
#include <string_view>

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
    {"-nkvo", "--no-kv-offload"},
    {"-cmoe", "--cpu-moe"},
    {"-ncmoe", "--n-cpu-moe"},
    {"-dev", "--device"},
    {"-dt", "--defrag-thold"},
    {"-Cr", "--cpu-range"},
    {"-mmp", "--mmap"},
    {"-jf", "--json-schema-file"},
};

// Flags whose value is free text or a path, which may look like a flag.
constexpr std::array<std::string_view, 21> kTakeText = {"-p",
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
                                                        "--grammar",
                                                        "--grammar-file",
                                                        "-j",
                                                        "--json-schema",
                                                        "-jf",
                                                        "--json-schema-file",
                                                        "--dry-sequence-breaker"};

constexpr std::array<std::string_view, 7> kFlashValues = {"on", "off", "auto", "0", "1", "true", "false"};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

std::string long_name(const std::string& argument) {
  const auto alias = std::find_if(std::begin(kAliases), std::end(kAliases),
                                  [&](const Alias& a) { return a.written == argument; });
  return alias == std::end(kAliases) ? argument : std::string(alias->meant);
}

}  // namespace

std::vector<std::string> normalise_arguments(std::vector<std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (contains(kTakeText, arguments[i])) {
      arguments[i] = long_name(arguments[i]);
      ++i;
    } else if (arguments[i] == "-fa" || arguments[i] == "--flash-attn") {
      // Older scripts give no value, newer ones do.
      const bool has_value = i + 1 < arguments.size() && contains(kFlashValues, arguments[i + 1]);
      arguments[i] = "--flash-attn=" + (has_value ? arguments[i + 1] : "auto");
      if (has_value) arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else {
      arguments[i] = long_name(arguments[i]);
    }
  }
  return arguments;
}

}  // namespace longhand::cli
