// What stands behind the handles of the C interface.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/longhand.h"

namespace longhand::c_api {

/// Set while a call uses what several handles may share.
using SharedFlag = std::shared_ptr<std::atomic<bool>>;
inline SharedFlag new_flag() { return std::make_shared<std::atomic<bool>>(false); }

/// Steps as C has them, pointing into one another.
struct StepViews {
  std::vector<lh_token_probability> top;
  std::vector<lh_token_step> steps;
};
StepViews step_views(std::span<const TokenStep> steps);

}  // namespace longhand::c_api

struct lh_model {
  longhand::Model model;
  longhand::ModelInfo info;  // lh_model_info points into it
};

struct lh_runner {
  longhand::Runner runner;
  longhand::c_api::SharedFlag in_use = longhand::c_api::new_flag();
};

struct lh_session {
  using Options = std::shared_ptr<const longhand::SessionOptions>;

  lh_session(longhand::Session made, Options with, longhand::c_api::SharedFlag flag)
      : own(std::move(made)), session(*own), options(std::move(with)), in_use(std::move(flag)) {}
  /// That of a chat, which is not freed by itself.
  lh_session(longhand::Session& of_chat, Options with)
      : session(of_chat), options(std::move(with)), in_use(longhand::c_api::new_flag()) {}

  std::optional<longhand::Session> own;
  longhand::Session& session;
  Options options;                          // one for each session, so that it tells which
  longhand::GenerateResult generated = {};  // lh_generate_result points into it
  longhand::c_api::StepViews steps = {};    // and into these
  longhand::c_api::Callbacks callbacks = {};
  longhand::c_api::SharedFlag in_use;  // shared by all that are computed with the same threads
};

struct lh_speculation {
  longhand::Speculation speculation;
  lh_session::Options session;  // those of the session it was made for
  std::atomic<bool> in_use{false};
};

struct lh_sampler {
  longhand::Sampler sampler;
  std::size_t vocab;  // logits may be padded beyond it
  std::atomic<bool> in_use{false};
};

struct lh_chat {
  longhand::ChatTemplate written;
  std::vector<std::string> warnings;
};

struct lh_tools {
  longhand::ToolSet tools;
  std::string form;
  std::vector<std::string> notes;
};

struct lh_chat_session {
  longhand::Chat chat;
  lh_session session;                // the chat's
  longhand::ChatAnswer answer = {};  // lh_chat_answer points into it
};
