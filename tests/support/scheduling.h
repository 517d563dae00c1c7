// How tests of the scheduler set it up.
#pragma once

#include "engine/longhand_serve.h"

namespace longhand::test {

/// Small enough that batches and contexts end within a test, and exact, so that answers can be compared bit
/// for bit.
inline SchedulerOptions options_of_tests() {
  SchedulerOptions o;
  o.session.context = 256;
  o.session.batch = 24;
  o.session.threads = 2;
  o.session.key_cache = o.session.value_cache = CacheType::f32;
  o.cache_mib = 64;
  return o;
}

}  // namespace longhand::test
