// The functions that a chat offers its model, and the samplers that hold calls to their form.
#pragma once

#include <string>

#include "engine/longhand_chat.h"

namespace longhand {

struct OfferedTools {
  std::string json;
  ToolOptions options;
  ToolSet first, later;   // before the first result of a turn, and from then on
  Sampler before, after;  // likewise

  /// Throws Error as ToolSet and Sampler do.
  OfferedTools(const ChatTemplate& written, const Model& model, std::string tools, const ToolOptions& how,
               const SamplerOptions& sampling)
      : json(std::move(tools)),
        options(how),
        first(written, json, options),
        later(written, json, {.parallel = options.parallel}),
        before(model, held_to(first, sampling)),
        after(model, held_to(later, sampling)) {}

 private:
  // Whether a call is held to its form does not depend on the text before, so one sampler serves all answers.
  static SamplerOptions held_to(const ToolSet& tools, SamplerOptions sampling) {
    tools.constrain(sampling, {});
    return sampling;
  }
};

}  // namespace longhand
