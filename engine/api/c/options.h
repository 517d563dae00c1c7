// Options of the C interface, to and from those of C++. Defaults come from there alone.
#pragma once

#include "engine/api/c/guard.h"
#include "engine/longhand.h"
#include "engine/longhand_c.h"
#include "engine/longhand_c_serve.h"

namespace longhand::c_api {

/// Defaults of each struct of options. Those of the sampler throw std::bad_alloc.
template <class Options>
Options defaults();
template <>
lh_load_options defaults();
template <>
lh_session_options defaults();
template <>
lh_sampler_options defaults();
template <>
lh_generate_options defaults();
template <>
lh_speculation_options defaults();
template <>
lh_runner_options defaults();
template <>
lh_chat_settings defaults();
template <>
lh_embed_options defaults();
template <>
lh_chat_options defaults();
template <>
lh_render_options defaults();
template <>
lh_scheduler_options defaults();
template <>
lh_request defaults();

/// The caller's options as this version has them; defaults for what an older struct lacks and for null.
template <class Options>
Options read_options(const Options* given, const char* what) {
  static_assert(std::is_trivially_copyable_v<Options>);
  Options options = defaults<Options>();
  if (given != nullptr) overlay(options, given, given->size, what);
  return options;
}

/// Without callbacks, and without the handles of generating. These throw Refusal and Error (range, grammar).
LoadOptions to_cpp(const lh_load_options& from);
SessionOptions to_cpp(const lh_session_options& from);
SamplerOptions to_cpp(const lh_sampler_options& from);
SpeculationOptions to_cpp(const lh_speculation_options& from);
GenerateOptions to_cpp(const lh_generate_options& from);
RunnerOptions to_cpp(const lh_runner_options& from);
ChatSettings to_cpp(const lh_chat_settings& from);
ChatTemplateOptions to_cpp(const lh_chat_options& from);
/// Without the stages, the biases and the texts, which are as in the defaults.
lh_sampler_options to_c(const SamplerOptions& from);

/// `session` tells the caller's callback of its progress.
void tell_progress(lh_session& session, const lh_session_options& given);
EmbedOptions to_cpp(const lh_embed_options& from);
/// Throws Refusal.
AdapterUse adapter_use(const lh_adapter_use& from);

}  // namespace longhand::c_api
