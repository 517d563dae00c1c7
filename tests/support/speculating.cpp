#include "tests/support/speculating.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace longhand::test {

Outcome write(const Model& model, const std::vector<Token>& prompt, const SpeculationCase& c,
              const SpeculationOptions* how) {
  Session session(model, c.session);
  Sampler sampler(model, c.sampler);
  std::optional<Speculation> speculation;
  if (how != nullptr) speculation.emplace(session, c.session, *how);
  GenerateOptions options = c.generate;
  options.speculation = speculation ? &*speculation : nullptr;
  int calls = 0, most_fed = 0;
  Outcome o;
  GenerateResult r = generate(session, prompt, sampler, options, [&](std::string_view text) {
    o.streamed += text;
    return ++calls < c.calls;
  });
  o.text = r.text;
  o.tokens = r.tokens;
  o.reason = r.reason;
  o.feeds = r.feeds, o.guesses = r.guesses, o.right = r.right_guesses;
  o.held.assign(session.tokens().begin(), session.tokens().end());
  const auto logits = session.logits(session.size() - 1);
  o.logits.assign(logits.begin(), logits.end());
  // Taking back guesses never made the session compute old text again.
  session.on_progress([&](int, int total) { most_fed = std::max(most_fed, total); });
  options.max_tokens = 20;
  r = generate(session, {}, sampler, options);
  EXPECT_LE(most_fed, 64);
  o.after = r.tokens;
  o.reason_after = r.reason;
  return o;
}

Outcome expect_same(const Model& model, const std::vector<Token>& prompt, const SpeculationCase& c,
                    const SpeculationOptions& how) {
  const Outcome want = write(model, prompt, c, nullptr), got = write(model, prompt, c, &how);
  EXPECT_EQ(got.tokens, want.tokens);
  EXPECT_EQ(got.text, want.text);
  EXPECT_EQ(got.streamed, want.streamed);
  EXPECT_EQ(got.reason, want.reason);
  EXPECT_EQ(got.held, want.held);
  EXPECT_EQ(got.logits, want.logits);
  EXPECT_EQ(got.after, want.after) << "the sampler has been asked for other tokens";
  EXPECT_EQ(got.reason_after, want.reason_after);
  EXPECT_EQ(want.guesses, 0);
  return got;
}

}  // namespace longhand::test
