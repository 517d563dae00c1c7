// Model files that change under the program.
#pragma once

namespace longhand::cli {

/// From now on a model file that shrinks, or cannot be read, while its pages are in use ends the program with
/// status 1 and a line that says so; what else raises SIGBUS ends it as before. The terminal is left as it is
/// found at this call.
void explain_lost_pages() noexcept;

}  // namespace longhand::cli
