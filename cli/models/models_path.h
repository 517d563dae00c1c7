// Where the program finds a model when none is named.
#pragma once

#include <string>

namespace longhand::cli {

/// Names the model where the command line does not.
inline constexpr const char* kModelVariable = "LONGHAND_MODEL";

/// The model that comes with the program: beside an installed binary (../share/longhand/models/guide), else
/// in the source tree; "" where it is in neither.
std::string bundled_model();

/// `given`, else $LONGHAND_MODEL; "" where neither names one.
std::string named_model(const std::string& given);
/// The same, else the bundled model. Throws Error (missing) listing where it looked.
std::string find_model(const std::string& given);

}  // namespace longhand::cli
