#include "engine/api/speculation.h"

#include "engine/forward/model.h"
#include "engine/types/memory_errors.h"
#include "engine/types/options.h"

namespace longhand {
namespace {

// A text that repeats itself often does so for long; a draft's guesses each cost something and lean on the
// ones before.
constexpr int kMostRepeated = 15, kMostDrafted = 7;

}  // namespace

Speculation::Speculation(const Session& session, const SessionOptions& options,
                         const SpeculationOptions& how) {
  check_options(kSpeculationOptions, how);
  const int most = how.most > 0 ? how.most : how.draft ? kMostDrafted : kMostRepeated;
  translate_memory_errors([&] {
    auto guesser = how.draft ? make_draft(*how.draft, session, options) : make_lookup();
    impl_.reset(new Impl{std::move(guesser), RewindRoom(model_data(session.model()).config, options),
                         Pace(most), most, how.adapt});
  });
}
Speculation::~Speculation() = default;
Speculation::Speculation(Speculation&&) noexcept = default;
Speculation& Speculation::operator=(Speculation&&) noexcept = default;

}  // namespace longhand
