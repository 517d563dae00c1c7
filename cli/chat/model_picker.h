// Asking a person which of the models on the machine to talk with.
#pragma once

#include <string>

namespace longhand::cli {

/// The path of the model chosen, which the Enter key chooses the next time; "" if there is nothing to choose
/// from, or nobody chose. Asks on stderr and reads from the terminal on stdin. Throws Error (cancelled) if
/// the person wants to leave.
std::string pick_model();

}  // namespace longhand::cli
