// Options of the C interface, to and from those of C++. Defaults come from there alone.
#pragma once

#include "engine/longhand.h"
#include "engine/longhand_c.h"

namespace longhand::c_api {

lh_load_options load_defaults() noexcept;
lh_session_options session_defaults() noexcept;
lh_sampler_options sampler_defaults();  // throws std::bad_alloc
lh_generate_options generate_defaults() noexcept;
lh_chat_options chat_defaults() noexcept;
lh_render_options render_defaults() noexcept;

/// Without callbacks. These throw Refusal and Error (range, grammar).
LoadOptions load_options(const lh_load_options& from);
SessionOptions session_options(const lh_session_options& from);
SamplerOptions sampler_options(const lh_sampler_options& from);
GenerateOptions generate_options(const lh_generate_options& from);

}  // namespace longhand::c_api
