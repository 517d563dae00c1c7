// What a Runner is made of.
#pragma once

#include <memory>

#include "engine/api/access.h"
#include "engine/run/pass_runner.h"

namespace longhand {

struct Runner::Impl {
  Model model;
  std::shared_ptr<PassRunner> runner;
};

}  // namespace longhand
