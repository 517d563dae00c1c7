#include "cli/chat/model_picker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "cli/models/model_card.h"
#include "cli/models/model_places.h"
#include "cli/terminal/line_input.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/terminal/user_dirs.h"
#include "engine/state/atomic_file.h"
#include "ops/error.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kMostOffered = 30;

struct Offer {
  FoundModel model;
  ModelCard card;
};

// Models that can be run here; the included one last.
std::vector<Offer> find_offers(std::uint64_t available) {
  std::vector<Offer> offers;
  for (FoundModel& model : find_models()) {
    ModelCard card = read_card(model.path);
    if (card.problem.empty() && fit(card, available).fits && offers.size() < kMostOffered)
      offers.push_back({std::move(model), std::move(card)});
  }
  return offers;
}

// The number typed, 1..count; 0 if it is none.
std::size_t number_in(const std::string& text, std::size_t count) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all && number >= 1 && number <= count ? number : 0;
}

// What was chosen the last time.
std::string memory() { return state_folder().empty() ? "" : state_folder() + "/model"; }

// The same from whatever folder it is chosen.
std::string identity(const std::string& path) {
  std::error_code error;
  return std::filesystem::weakly_canonical(path, error).string();
}

std::string last_choice() {
  std::error_code error;
  const std::string path = memory();
  return !path.empty() && std::filesystem::is_regular_file(path, error) ? read_text(path) : "";
}

// Whoever cannot be remembered is asked as before.
void remember(const std::string& path) {
  if (memory().empty()) return;
  try {
    make_private_folder(state_folder());
    replace_file(memory(), path);
  } catch (const Error& error) { print_note(fmt::format("the choice is not remembered: {}", error.what())); }
}

}  // namespace

std::string pick_model() {
  const std::uint64_t available = available_memory();
  const std::vector<Offer> offers = find_offers(available);
  if (offers.empty() || offers.front().model.source == "included") return "";
  std::string list;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const auto& [model, card] = offers[i];
    list += fmt::format("{:>3}  {:<44} {:>10}  {:<6}  {}\n", i + 1, make_visible(model.label),
                        format_bytes(card.file_bytes), card.type, model.source);
  }
  write_error(list);
  const auto before =
      std::ranges::find(offers, last_choice(), [](const Offer& offer) { return identity(offer.model.path); });
  const auto usual = before == offers.end() ? 1 : std::size_t(before - offers.begin()) + 1;
  const auto input = make_plain_input(STDIN_FILENO, true);
  for (;;) {
    const InputLine line = input->next(fmt::format("Which model? [1-{}, Enter: {}] ", offers.size(), usual));
    if (line.event != InputEvent::line) {
      write_error("\n");
      throw Error(Errc::cancelled, "no model was chosen");
    }
    const std::size_t number = line.text.empty() ? usual : number_in(line.text, offers.size());
    if (number > 0) {
      const std::string& path = offers[number - 1].model.path;
      if (identity(path) != last_choice()) remember(identity(path));
      return path;
    }
    print_note(fmt::format("a number from 1 to {}, please; Ctrl-C leaves", offers.size()));
  }
}

}  // namespace longhand::cli
