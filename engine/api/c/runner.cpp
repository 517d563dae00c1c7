// The C interface: sessions computed together.
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

lh_status lh_runner_new(const lh_model* model, const lh_runner_options* options, lh_runner** runner,
                        lh_error* error) {
  return guarded(error, [&] {
    lh_runner*& place = place_for(runner, "runner");
    const Model& m = need(model, "model").model;
    const lh_runner_options given = read_options(options, "runner options");
    place = new lh_runner{Runner(m, to_cpp(given))};
  });
}

void lh_runner_free(lh_runner* runner) { delete runner; }

lh_status lh_runner_run(lh_runner* runner, lh_runner_feed* feeds, size_t count, lh_error* error) {
  return guarded(error, [&] {
    lh_runner& r = need(runner, "runner");
    std::vector<Runner::Feed> given;
    for (const lh_runner_feed& feed : elements(feeds, count, "feeds"))
      given.push_back({need(feed.session, "session").session, tokens_of(feed.tokens)});
    const InUse use(*r.in_use, "runner");
    r.runner.run(given);
    for (std::size_t i = 0; i < count; ++i) {
      feeds[i].cancelled = given[i].cancelled ? 1 : 0;
      feeds[i].logits = {nullptr, 0};
      if (given[i].cancelled) continue;
      const auto logits = given[i].session.logits(given[i].session.size() - 1);  // those run() left
      feeds[i].logits = {logits.data(), logits.size()};
    }
  });
}
