// longhand diff: what tells two models apart.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/make/long_work.h"
#include "cli/models/meta_value.h"
#include "cli/models/model_names.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/verbs.h"
#include "engine/longhand_edit.h"
#include "loaders/gguf/gguf.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDiffers = 3;

struct Models {
  std::string first, second;
};

std::string text_report(const ModelDifferences& found, const Models& models) {
  const Gguf first = Gguf::open(models.first), second = Gguf::open(models.second);
  constexpr std::size_t kWidth = 70;
  std::string out;
  const auto value = [&](char sign, const Gguf& file, const std::string& key) {
    out += fmt::format("{} {} = {}\n", sign, make_visible(key), meta_text(*file.find(key), kWidth));
  };
  for (const KeyDifference& key : found.keys) {
    if (key.side != Side::second) value('<', first, key.key);
    if (key.side != Side::first) value('>', second, key.key);
  }
  for (const TensorDifference& t : found.tensors) {
    const std::string name = make_visible(t.name);
    if (t.side != Side::both) {
      out +=
          fmt::format("{} {}  {}\n", t.side == Side::first ? '<' : '>', name, t.first_type + t.second_type);
      continue;
    }
    const std::string types =
        t.first_type == t.second_type ? t.first_type : t.first_type + " -> " + t.second_type;
    out += fmt::format("! {:<40} {:<16}", name, types);
    if (!t.same_shape()) {
      out += " of another shape";
    } else if (t.compared) {
      out += fmt::format(" relative error {:.3e}, largest {:.3e}", t.relative_error, t.largest_error);
    }
    out += '\n';
  }
  out += fmt::format("the same: {} keys, {} tensors\n", found.equal_keys, found.equal_tensors);
  return out;
}

// JSON has no infinity.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string_view side_name(Side side) {
  return side == Side::both ? "both" : side == Side::first ? "first" : "second";
}

std::string json_report(const ModelDifferences& found) {
  Json keys = Json::array(), tensors = Json::array();
  for (const KeyDifference& key : found.keys)
    keys.push_back({{"key", make_visible(key.key)}, {"in", side_name(key.side)}});
  for (const TensorDifference& t : found.tensors) {
    Json row = {{"name", make_visible(t.name)}, {"in", side_name(t.side)}};
    if (t.side != Side::second) row["first_type"] = t.first_type;
    if (t.side != Side::first) row["second_type"] = t.second_type;
    if (t.side == Side::both) row["same_shape"] = t.same_shape();
    if (t.compared) {
      row["relative_error"] = number(t.relative_error);
      row["largest_error"] = number(t.largest_error);
    }
    tensors.push_back(std::move(row));
  }
  return Json({{"keys", std::move(keys)},
               {"tensors", std::move(tensors)},
               {"equal_keys", found.equal_keys},
               {"equal_tensors", found.equal_tensors}})
             .dump(2) +
         "\n";
}

int run_diff(const Models& named, bool json) {
  const Models models{model_path(named.first), model_path(named.second)};
  const ModelDifferences found = with_bar("comparing", [&](const Progress& progress) {
    return diff_models(models.first, models.second, progress);
  });
  write_output(json ? json_report(found) : text_report(found, models));
  return found.none() ? kSuccess : kDiffers;
}

}  // namespace

void add_diff(CLI::App& app, Action& action) {
  struct Flags {
    Models models;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("diff", "Show what tells two models apart");
  verb->add_option("first", flags->models.first, "A model")->required()->type_name("FIRST");
  verb->add_option("second", flags->models.second, "Another")->required()->type_name("SECOND");
  verb->add_flag("--json", flags->json, "As JSON");
  verb->footer(
      "< is in the first alone or as the first has it, > in the second; ! is a tensor of both. The relative\n"
      "error is the root of sum((b - a)^2) / sum(a^2). Exit status: 0 the same, 3 not.");
  verb->callback([flags, &action] { action = [flags] { return run_diff(flags->models, flags->json); }; });
}

}  // namespace longhand::cli
