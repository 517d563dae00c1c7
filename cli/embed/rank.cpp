// longhand rank: which of some texts answer a question.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/embed/embedding.h"
#include "cli/embed/text_list.h"
#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session{EmbedOptions().session};
  std::string query, file = "-";
  bool jsonl = false, json = false;
  std::size_t top = 0;
};

struct Document {
  std::string text;
  std::vector<float> scores;  // the first is the one that counts
};

// Scores of a reranker for each pair.
void score_pairs(Embedder& embedder, const std::string& query, std::vector<Document>& documents) {
  std::vector<Embedder::Input> inputs;
  for (const Document& d : documents) inputs.push_back(embedder.encode_pair(query, d.text));
  embed_all(embedder, inputs, [&](std::size_t i, std::span<const float> scores) {
    documents[i].scores.assign(scores.begin(), scores.end());
  });
}

// Other models: the cosine of the angle between the two vectors, which have length 1.
void score_vectors(Embedder& embedder, const std::string& query, std::vector<Document>& documents) {
  std::vector<Embedder::Input> inputs = {embedder.encode(query)};
  for (const Document& d : documents) inputs.push_back(embedder.encode(d.text));
  std::vector<float> asked;
  embed_all(embedder, inputs, [&](std::size_t i, std::span<const float> vector) {
    if (i == 0) return asked.assign(vector.begin(), vector.end());
    documents[i - 1].scores = {std::inner_product(vector.begin(), vector.end(), asked.begin(), 0.0f)};
  });
}

std::string line_of(const Flags& flags, const Document& document, std::size_t index,
                    const std::vector<std::string>& labels) {
  if (!flags.json) {
    const std::string text = is_terminal(STDOUT_FILENO) ? make_visible(document.text) : document.text;
    return fmt::format("{:.6f}\t{}\t{}\n", document.scores[0], index, text);
  }
  nlohmann::ordered_json line = {{"index", index}, {"score", document.scores[0]}};
  for (std::size_t i = 0; i < labels.size(); ++i) line["scores"][labels[i]] = document.scores[i];
  line["text"] = document.text;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int rank_texts(const Flags& flags) {
  const SignalScope signals;
  flags.session.tell_notes();
  std::vector<Document> documents;
  for (std::string& text : read_texts(flags.file, flags.jsonl)) documents.push_back({std::move(text), {}});
  const Model model = open_model(flags.session.model, flags.session.load_options());
  EmbedOptions options;
  options.session = flags.session.session_options(model);
  Embedder embedder(model, options);
  if (embedder.pooling() == Pooling::none)
    throw Error(Errc::unsupported,
                "this model makes a vector for each token, which gives no score of a text");
  if (embedder.pooling() == Pooling::rank) {
    score_pairs(embedder, flags.query, documents);
  } else {
    score_vectors(embedder, flags.query, documents);
  }
  std::vector<std::size_t> order(documents.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return documents[i].scores[0]; });
  if (flags.top > 0) order.resize(std::min(order.size(), flags.top));
  for (const std::size_t i : order) write_output(line_of(flags, documents[i], i, embedder.labels()));
  return kSuccess;
}

}  // namespace

void add_rank(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("rank", "Order texts by how well they answer a question");
  auto flags = std::make_shared<Flags>();
  flags->session.add_to(*verb);
  require_model(*verb);
  verb->add_option("--query", flags->query, "The question")->required()->type_name("TEXT");
  verb->add_option("-f,--file", flags->file, "Texts to order, one a line; - is stdin (default)")
      ->type_name("DOCS");
  verb->add_flag("--jsonl", flags->jsonl, "Each line is a JSON object whose \"text\" is a text");
  verb->add_option("--top", flags->top, "Show the best N only")->type_name("N");
  verb->add_flag("--json", flags->json, "A JSON object a line, instead of score, number and text");
  verb->callback([flags, &action] { action = [flags] { return rank_texts(*flags); }; });
}

}  // namespace longhand::cli
