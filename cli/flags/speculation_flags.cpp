#include "cli/flags/speculation_flags.h"

#include <fmt/format.h>

#include "cli/flags/option_flags.h"
#include "cli/flags/session_flags.h"

namespace longhand::cli {

void SpeculationFlags::add_to(CLI::App& verb) {
  auto* group = verb.add_option_group("Guessing ahead",
                                      "The text is the same, and comes faster where it repeats "
                                      "itself or a small model foresees it");
  auto* lookup =
      group->add_flag("--lookup", lookup_, "Guess what followed the same words earlier in the text");
  auto* draft = group
                    ->add_option("--model-draft", draft_,
                                 "Guess what this smaller model of the same vocabulary would write (-md)")
                    ->type_name("FILE")
                    ->excludes(lookup);
  auto* most =
      add_option_flag(verb, *group, find_option(kSpeculationOptions, &SpeculationOptions::most), most_);
  verb.parse_complete_callback([lookup, draft, most] {
    if (most->count() > 0 && lookup->count() + draft->count() == 0)
      throw CLI::ValidationError("--draft",
                                 "says how much to guess; --lookup or --model-draft says from what");
  });
}

std::optional<Speculation> SpeculationFlags::speculation(const Session& session,
                                                         const SessionOptions& options,
                                                         const LoadOptions& load) const {
  if (!lookup_ && draft_.empty()) return std::nullopt;
  SpeculationOptions how;
  how.most = most_;
  if (!draft_.empty()) how.draft = open_model(draft_, load);
  return Speculation(session, options, how);
}

std::string describe_guesses(const GenerateResult& result) {
  if (result.guesses == 0) return "";
  return fmt::format("; {} of {} guesses right", result.right_guesses, result.guesses);
}

}  // namespace longhand::cli
