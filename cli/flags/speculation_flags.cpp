#include "cli/flags/speculation_flags.h"

#include <fmt/format.h>

#include <charconv>

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
  const OptionFlag& mtp_flag = *find_flag("speculation.mtp");
  auto* mtp = group
                  ->add_option_function<std::string>(
                      mtp_flag.flags, [this](const std::string& text) { foresee(text); },
                      "Guess what the model's own prediction layers foresee, N tokens at once; without N: 3")
                  ->type_name(mtp_flag.value)
                  ->expected(0, 1)
                  ->excludes(lookup)
                  ->excludes(draft);
  auto* most =
      add_option_flag(verb, *group, find_option(kSpeculationOptions, &SpeculationOptions::most), most_);
  verb.parse_complete_callback([lookup, draft, mtp, most] {
    if (most->count() > 0 && lookup->count() + draft->count() + mtp->count() == 0)
      throw CLI::ValidationError("--draft",
                                 "says how much to guess; --lookup, --model-draft or --mtp says from what");
  });
}

void SpeculationFlags::foresee(const std::string& text) {
  mtp_ = true;
  if (text.empty() || text == "true") return;
  const auto& range = find_option(kSpeculationOptions, &SpeculationOptions::most).range;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most_);
  if (error != std::errc() || end != text.data() + text.size() || most_ < int(range.least) ||
      most_ > int(range.most))
    throw CLI::ValidationError(
        "--mtp", fmt::format("is '{}', must be {}..{}", text, int(range.least), int(range.most)));
}

std::optional<SpeculationOptions> SpeculationFlags::options(const LoadOptions& load) const {
  if (!lookup_ && !mtp_ && draft_.empty()) return std::nullopt;
  SpeculationOptions how;
  how.most = most_;
  how.mtp = mtp_;
  if (!draft_.empty()) how.draft = open_model(draft_, load);
  return how;
}

std::optional<Speculation> SpeculationFlags::speculation(const Session& session,
                                                         const SessionOptions& options,
                                                         const LoadOptions& load) const {
  const std::optional<SpeculationOptions> how = this->options(load);
  if (!how) return std::nullopt;
  return Speculation(session, options, *how);
}

std::string describe_guesses(const GenerateResult& result) {
  if (result.guesses == 0) return "";
  return fmt::format("; {} of {} guesses right", result.right_guesses, result.guesses);
}

}  // namespace longhand::cli
