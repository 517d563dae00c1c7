// What stands behind the handles of the C interface.
#pragma once

#include <atomic>
#include <memory>

#include "engine/api/longhand_c_guard.h"
#include "engine/longhand.h"

struct lh_model {
  longhand::Model model;
  longhand::ModelInfo info;  // lh_model_info points into it
};

struct lh_session {
  longhand::Session session;
  std::shared_ptr<const longhand::SessionOptions> options;  // one for each session, so that it tells which
  longhand::GenerateResult generated = {};                  // lh_generate_result points into it
  longhand::c_api::Callbacks callbacks = {};
  std::atomic<bool> in_use{false};
};

struct lh_speculation {
  longhand::Speculation speculation;
  std::shared_ptr<const longhand::SessionOptions> session;  // those of the session it was made for
  std::atomic<bool> in_use{false};
};

struct lh_sampler {
  longhand::Sampler sampler;
  std::size_t vocab;  // logits may be padded beyond it
  std::atomic<bool> in_use{false};
};
