// What measurements look like as pictures.
#pragma once

#include <span>
#include <string>

#include "cli/measure/bench/report.h"
#include "cli/measure/passkey_report.h"
#include "cli/measure/perplexity_report.h"

namespace longhand::cli {

/// Loss over the position, of a report by position.
std::string perplexity_svg(const PerplexityReport& report);
/// Words found, in percent, by depth and length.
std::string passkey_svg(const PasskeyReport& report);
/// Tokens written a second over the tokens before them; where nothing was only written, tokens read. A curve
/// for each test that is not the same but for its depth.
std::string bench_svg(std::span<const BenchReport> reports);

/// Writes `svg` to `path`, whole or not at all. Throws Error (io).
void write_plot(const std::string& path, const std::string& svg);

}  // namespace longhand::cli
