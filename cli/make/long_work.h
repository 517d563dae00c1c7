// Work on whole models, with a bar that shows how far it is and an end by Ctrl-C.
#pragma once

#include <string>

#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "engine/types/progress.h"

namespace longhand::cli {

/// Runs work(progress); any of the signals cancels it.
template <class Work>
auto with_bar(const std::string& label, const Work& work) {
  const SignalScope signals;
  ProgressBar bar(label);
  return work(Progress([&bar](float share) {
    bar.update(share);
    return !signal_waiting();
  }));
}

}  // namespace longhand::cli
