#include "engine/api/speculation.h"

#include "engine/forward/model.h"
#include "engine/types/memory_errors.h"
#include "engine/types/options.h"

namespace longhand {
namespace {

// A text that repeats itself often does so for long; a draft's guesses each cost something and lean on the
// ones before.
constexpr int kMostRepeated = 15, kMostDrafted = 7, kMostForeseen = 3;

}  // namespace

Speculation::Speculation(const Session& session, const SessionOptions& options,
                         const SpeculationOptions& how) {
  check_options(kSpeculationOptions, how);
  if (how.mtp && how.draft)
    throw Error(Errc::range, "speculation.mtp and a draft model: guesses can come from one of them");
  const int open = how.mtp ? kMostForeseen : how.draft ? kMostDrafted : kMostRepeated;
  const int most = how.most > 0 ? how.most : open;
  translate_memory_errors([&] {
    auto guesser = how.mtp     ? make_next_tokens(session, options)
                   : how.draft ? make_draft(*how.draft, session, options)
                               : make_lookup();
    impl_.reset(new Impl{std::move(guesser), RewindRoom(model_data(session.model()).config, options),
                         Pace(most), most, how.adapt});
  });
}
Speculation::~Speculation() = default;
Speculation::Speculation(Speculation&&) noexcept = default;
Speculation& Speculation::operator=(Speculation&&) noexcept = default;

}  // namespace longhand
