#include "engine/speculate/speculation.h"

#include <fmt/format.h>

#include "engine/memory_errors.h"

namespace longhand {
namespace {

// A text that repeats itself often does so for long; a draft's guesses each cost something and lean on the
// ones before.
constexpr int kMostRepeated = 15, kMostDrafted = 7, kMostEver = 63;

}  // namespace

Speculation::Speculation(const Session& session, const SessionOptions& options,
                         const SpeculationOptions& how) {
  if (how.most < 0 || how.most > kMostEver)
    throw Error(Errc::range,
                fmt::format("tokens guessed at once (--draft) are {}, must be 0..{}", how.most, kMostEver));
  const int most = how.most > 0 ? how.most : how.draft ? kMostDrafted : kMostRepeated;
  translate_memory_errors([&] {
    auto guesser = how.draft ? make_draft(*how.draft, session, options) : make_lookup();
    impl_.reset(
        new Impl{std::move(guesser), RewindRoom(session.model(), options), Pace(most), most, how.adapt});
  });
}
Speculation::~Speculation() = default;
Speculation::Speculation(Speculation&&) noexcept = default;
Speculation& Speculation::operator=(Speculation&&) noexcept = default;

}  // namespace longhand
