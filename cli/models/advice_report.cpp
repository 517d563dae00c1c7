#include "cli/models/advice_report.h"

#include <fmt/format.h>

namespace longhand::cli {

namespace {

std::string base_text(double base) { return base > 0 ? fmt::format("{:.1e}", base) : "none"; }

}  // namespace

std::string reach_text(const ContextReach& r) {
  return fmt::format("{}{} tokens told apart by distance, {} trained (--advise says more)",
                     r.reach_is_limit ? "at least " : "", r.reach, r.trained);
}

std::string advice_text(const ContextAdvice& a) {
  std::string out;
  out += fmt::format("trained       {} tokens\n", a.trained);
  out += fmt::format("rotation      {} dimensions, base {:g}\n", a.rot, a.base);
  out +=
      fmt::format("reach         {}{} tokens; in longer texts some distances make a key that resembles the\n",
                  a.reach_is_limit ? "at least " : "", a.reach);
  out += "              query score lower than one that does not\n";
  if (!a.bases.empty()) {
    out +=
        "\nBases (--rope-freq-base) that reach a length, without other scaling: the smallest of two digits "
        "that does,\n"
        "and the one from which on all of them do. Between the two some do and some do not: a larger base "
        "turns all\n"
        "pairs slower, but also moves the distances at which they happen to cancel.\n";
    for (const ContextAdvice::Base& row : a.bases) {
      out +=
          fmt::format("{:>10} tokens  {:>8}  {:>8}\n", row.length, base_text(row.least), base_text(row.sure));
    }
  }
  if (a.gains.empty()) return out;
  out +=
      "\nGain of the scores that keeps attention as sharp as at the trained length: what --log-n does, and\n"
      "what keeps the most gradient where scores are normal, or cosines of random heads:\n";
  out += fmt::format("{:>10}         {:>6}  {:>6}  {:>6}\n", "", "log-n", "normal", "cosine");
  for (const GainAdvice& row : a.gains) {
    out += fmt::format("{:>10} tokens  {:>6.3f}  {:>6.3f}  {:>6.3f}\n", row.length, row.log_n, row.normal,
                       row.cosine);
  }
  return out;
}

nlohmann::ordered_json advice_json(const ContextAdvice& a) {
  nlohmann::ordered_json json = {{"trained", a.trained},
                                 {"rope_dimensions", a.rot},
                                 {"rope_base", a.base},
                                 {"reach", a.reach},
                                 {"reach_is_limit", a.reach_is_limit},
                                 {"bases", nlohmann::ordered_json::array()},
                                 {"gains", nlohmann::ordered_json::array()}};
  for (const ContextAdvice::Base& row : a.bases)
    json["bases"].push_back({{"length", row.length}, {"least", row.least}, {"sure", row.sure}});
  for (const GainAdvice& row : a.gains) {
    json["gains"].push_back(
        {{"length", row.length}, {"log_n", row.log_n}, {"normal", row.normal}, {"cosine", row.cosine}});
  }
  return json;
}

}  // namespace longhand::cli
