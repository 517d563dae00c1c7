#include "cli/version.h"

#include <fmt/format.h>

#include <string_view>

#include "ops/host/machine.h"
#include "ops/kernel_table.h"

namespace longhand::cli {
namespace {

constexpr const char* kCompiler =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

}  // namespace

std::string version_text() {
  std::string kernels;
  for (const Kernels* table : available_kernels())
    kernels += fmt::format("{}{}", kernels.empty() ? "" : ", ", table->name);
  std::string out = "longhand " LONGHAND_VERSION "\n";
  out += fmt::format("  {:<18} {}, {}, {} bit\n", "build", LONGHAND_BUILD_TYPE, kCompiler, 8 * sizeof(void*));
  constexpr std::string_view kOptions = LONGHAND_BUILD_OPTIONS;
  if (!kOptions.empty()) out += fmt::format("  {:<18}{}\n", "options", kOptions);
  out += fmt::format("  {:<18} {} (this machine's, best first; LONGHAND_ISA chooses)\n", "instruction sets",
                     kernels);
  out += fmt::format("  {:<18} {}\n", "usable cores", usable_cores());
  return out;
}

}  // namespace longhand::cli
