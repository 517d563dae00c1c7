// info --against: how far a model's weights are from another's.
#pragma once

#include <string>

namespace longhand::cli {

/// The relative errors of the tensors of `model` as against those of `other`, and a histogram of all; or the
/// same as JSON. Shows a bar meanwhile. Throws Error: as for opening either; cancelled.
std::string error_report(const std::string& model, const std::string& other, bool json);

}  // namespace longhand::cli
