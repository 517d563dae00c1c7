/* Options with their defaults. Included by longhand_c_chat_session.h. */
#ifndef LONGHAND_ENGINE_LONGHAND_C_DEFAULTS_H
#define LONGHAND_ENGINE_LONGHAND_C_DEFAULTS_H

#include "engine/longhand_c_chat_session.h"

static inline lh_load_options lh_load_defaults(void) {
  lh_load_options options;
  lh_options_init(LH_LOAD_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_session_options lh_session_defaults(void) {
  lh_session_options options;
  lh_options_init(LH_SESSION_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_sampler_options lh_sampler_defaults(void) {
  lh_sampler_options options;
  lh_options_init(LH_SAMPLER_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_generate_options lh_generate_defaults(void) {
  lh_generate_options options;
  lh_options_init(LH_GENERATE_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_chat_options lh_chat_defaults(void) {
  lh_chat_options options;
  lh_options_init(LH_CHAT_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_render_options lh_render_defaults(void) {
  lh_render_options options;
  lh_options_init(LH_RENDER_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_speculation_options lh_speculation_defaults(void) {
  lh_speculation_options options;
  lh_options_init(LH_SPECULATION_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_runner_options lh_runner_defaults(void) {
  lh_runner_options options;
  lh_options_init(LH_RUNNER_OPTIONS, &options, sizeof options);
  return options;
}
static inline lh_chat_settings lh_chat_settings_defaults(void) {
  lh_chat_settings settings;
  lh_options_init(LH_CHAT_SETTINGS, &settings, sizeof settings);
  return settings;
}

#endif
