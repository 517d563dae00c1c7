// What a session is made with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand_adapter.h"
#include "engine/types/attention_options.h"
#include "engine/types/limits.h"
#include "engine/types/option.h"
#include "engine/types/rope_options.h"
#include "engine/types/runner_options.h"

namespace longhand {

enum class CacheType : std::uint8_t { f32, f16, q8_0, bf16, q4_0, q4_1, q5_0, q5_1, iq4_nl };
inline constexpr std::array<std::string_view, 9> kCacheTypeNames = {"f32",  "f16",  "q8_0", "bf16",  "q4_0",
                                                                    "q4_1", "q5_0", "q5_1", "iq4_nl"};
constexpr const auto& names_of(CacheType) noexcept { return kCacheTypeNames; }

struct SessionOptions {
  int context = 0;          ///< tokens; 0: what the model was trained for, or as much as fits in memory
  int threads = 0;          ///< 0: physical cores this process may use, fewer for very small models
  int prefill_threads = 0;  ///< while more than a few tokens are computed at once; 0: as `threads`
  int batch = 512;          ///< tokens computed at once while reading a prompt; results do not depend on it
  std::string cpus = {};    ///< see RunnerOptions::cpus
  CacheType key_cache = CacheType::f16;
  CacheType value_cache = CacheType::f16;  ///< where values are part of their keys, key_cache counts
  /// Bytes that the session's memory of its text takes at most; 0: what the context asks for. Under
  /// attention.memory auto, texts that outgrow them are remembered in summary.
  std::uint64_t memory_budget = 0;
  /// Tokens a second: under auto, a text is remembered in summary once writing it is slower; 0: never for
  /// that reason. What was read together with other sessions does not count.
  float min_speed = 0;
  RopeOptions rope = {};
  AttentionOptions attention = {};
  /// What is computed beside the model, in this order; see also Session::set_adapters().
  std::vector<AdapterUse> adapters = {};
  std::vector<ControlUse> control_vectors = {};
};

/// Of a runner for such sessions.
inline RunnerOptions runner_options(const SessionOptions& session) {
  return {.threads = session.threads,
          .prefill_threads = session.prefill_threads,
          .batch = session.batch,
          .cpus = session.cpus};
}

// clang-format off
inline constexpr std::tuple kSessionOptions = {
    Option{"context", &SessionOptions::context, {0, kMaxContext},
           "Tokens of context; 0: as many as the model was trained for"},
    Option{"threads", &SessionOptions::threads, {0, kMaxThreads},
           "Threads; 0: one for each physical core, fewer for very small models", false},
    Option{"prefill_threads", &SessionOptions::prefill_threads, {0, kMaxThreads},
           "Threads while reading; 0: as many as for writing", false},
    Option{"batch", &SessionOptions::batch, {1, kMaxBatch}, "Tokens read at once"},
    Option{"cpus", &SessionOptions::cpus, {}, "CPUs the threads run on: 0-3,8, or 0/1/2/3 for one each", false},
    Option{"key_cache", &SessionOptions::key_cache, {0, int(CacheType::iq4_nl)},
           "Type of the cached keys: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, iq4_nl or q4_0"},
    Option{"value_cache", &SessionOptions::value_cache, {0, int(CacheType::iq4_nl)},
           "Type of the cached values"},
    Option{"memory_budget", &SessionOptions::memory_budget, {0, 1e18},
           "Bytes that what is remembered of the text takes at most; 0: as many as the context asks for", false},
    Option{"min_speed", &SessionOptions::min_speed, {0, 1e9},
           "Tokens a second; where writing is slower, old text is remembered in summary (auto)", false},
};
// clang-format on

/// each_option() for a session's own options, then for those of its rotary positions and of its attention.
template <class Options, class Visit>
constexpr void each_session_option(Options&& options, const Visit& visit) {
  each_option(kSessionOptions, options, visit);
  each_option(kRopeOptions, options.rope, visit);
  each_option(kAttentionOptions, options.attention, visit);
}

}  // namespace longhand
