// longhand perplexity: how well a model predicts a text, and how far that is from what it predicted before.
//
// The text becomes tokens once and is cut into chunks of the context's size; the rest is dropped. Each chunk
// is a text of its own that begins with the model's begin-of-text token, and its second half is scored, so
// that every token has at least half a context before it. These are the conventions others measure with.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/measure/kl_file.h"
#include "cli/measure/perplexity_report.h"
#include "cli/measure/plot/measurement_plots.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/verbs.h"
#include "engine/api/access.h"
#include "engine/forward/model.h"

namespace longhand::cli {
namespace {

constexpr int kDefaultContext = 512;
constexpr int kLeastContext = 4;  // below, nothing is left to score

struct Flags {
  SessionFlags session;
  std::vector<std::string> texts;
  std::string kl_save, kl_base, per_token, plot, format = "text";
  int chunks = 0, bucket = 0;
  bool by_position = false, special = false;
};

/// Whole chunks, one after the other.
struct Chunks {
  int context = 0;
  std::vector<Token> tokens;

  std::size_t count() const { return tokens.size() / std::size_t(context); }
  int first() const { return context / 2; }
  std::span<const Token> at(std::size_t index) const {
    const auto size = std::size_t(context);
    return std::span(tokens).subspan(index * size, size);
  }
};

void append_chunks(Chunks& chunks, const Model& model, const std::string& path, const Flags& flags) {
  const std::vector<Token> tokens = model.encode(read_plain_text(path), true, flags.special);
  const auto size = std::size_t(chunks.context);
  std::size_t count = tokens.size() / size;
  if (count == 0) {
    throw Error(Errc::range, fmt::format("{}: has {} tokens, must have at least -c {} for one chunk", path,
                                         tokens.size(), chunks.context));
  }
  if (flags.chunks > 0) count = std::min(count, std::size_t(flags.chunks));
  const Vocab& vocab = model_data(model).tokenizer.vocab();
  const std::size_t begin = chunks.tokens.size();
  chunks.tokens.insert(chunks.tokens.end(), tokens.begin(), tokens.begin() + std::ptrdiff_t(count * size));
  if (!vocab.add_bos || vocab.bos == kNoToken) return;
  for (std::size_t at = begin; at < chunks.tokens.size(); at += size) chunks.tokens[at] = vocab.bos;
}

Chunks read_chunks(const Model& model, const Flags& flags, int context) {
  Chunks chunks{context > 0 ? context : kDefaultContext, {}};
  if (chunks.context < kLeastContext)
    throw UsageError(fmt::format("-c is {}, must be at least {}", chunks.context, kLeastContext));
  for (const std::string& path : flags.texts) append_chunks(chunks, model, path, flags);
  return chunks;
}

// The base brings its tokens along; a text given beside it must be the same one.
Chunks base_chunks(const Model& model, const Flags& flags, const KlReader& base, int context) {
  const KlHeader& h = base.header();
  const auto refuse = [&](const std::string& why) {
    throw Error(Errc::mismatch, fmt::format("{}: {}", flags.kl_base, why));
  };
  if (int(h.vocab) != model.info().vocab)
    refuse(fmt::format("made with a vocabulary of {}, this model has {}", h.vocab, model.info().vocab));
  Chunks chunks{int(h.context), {base.tokens().begin(), base.tokens().end()}};
  if (context > 0 && context != chunks.context)
    refuse(fmt::format("made with -c {}, not {}", chunks.context, context));
  if (int(h.first) != chunks.first())
    refuse(fmt::format("rows begin at {}, must begin at {}", h.first, chunks.first()));
  if (!flags.texts.empty() && read_chunks(model, flags, chunks.context).tokens != chunks.tokens)
    refuse("made from another text, or with another tokenizer");
  return chunks;
}

/// One JSON object a line, for scripts that look at single tokens.
class TokenLog {
 public:
  TokenLog(const std::string& path, const Model& model) : file_(path), model_(model) {}
  void add(std::size_t chunk, int position, Token token, const TokenScore& score) {
    const nlohmann::ordered_json line = {{"chunk", chunk},     {"position", position},
                                         {"token", token},     {"text", model_.piece(token, true)},
                                         {"loss", score.loss}, {"best", score.best}};
    const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    file_.write(std::as_bytes(std::span(text)));
  }
  void finish() { file_.finish(); }

 private:
  OutputFile file_;
  const Model& model_;
};

/// Everything that wants to know about a scored token.
class Scorer {
 public:
  Scorer(const Flags& flags, const Model& model, const Chunks& chunks, KlReader* base)
      : chunks_(chunks), base_(base) {
    if (flags.by_position) {
      const int width = flags.bucket > 0 ? flags.bucket : std::max(1, chunks.context / 16);
      report_.buckets = position_buckets(chunks.context, width);
      width_ = width;
    }
    if (base != nullptr) report_.kl.emplace();
    if (!flags.per_token.empty()) log_.emplace(flags.per_token, model);
    if (!flags.kl_save.empty()) {
      const KlHeader header{std::uint32_t(model.info().vocab), std::uint32_t(chunks.context),
                            std::uint32_t(chunks.first()), std::uint32_t(chunks.count())};
      save_.emplace(flags.kl_save, header, chunks.tokens);
    }
  }

  /// Is the first half of a chunk looked at too?
  bool wants_all() const { return log_.has_value() || !report_.buckets.empty(); }

  /// The logits (vocab) after the token at `position` of a chunk.
  void visit(std::size_t chunk, int position, std::span<const float> logits) {
    const Token next = chunks_.at(chunk)[std::size_t(position) + 1];
    const TokenScore score = score_token(logits, next);
    if (!report_.buckets.empty()) report_.buckets[std::size_t((position + 1) / width_)].loss.add(score.loss);
    if (log_) log_->add(chunk, position + 1, next, score);
    if (position < chunks_.first()) return;
    report_.loss.add(score.loss);
    if (save_) save_->add(logits);
    if (base_ != nullptr) report_.kl->add(base_->row(base_row_++), logits, next);
  }

  PerplexityReport finish() {
    if (log_) log_->finish();
    if (save_) save_->finish();
    return std::move(report_);
  }

 private:
  const Chunks& chunks_;
  KlReader* base_;
  std::uint64_t base_row_ = 0;
  int width_ = 1;
  PerplexityReport report_;
  std::optional<TokenLog> log_;
  std::optional<KlWriter> save_;
};

void score_all(Session& session, const Chunks& chunks, Scorer& scorer) {
  ProgressBar bar("reading");
  std::size_t chunk = 0;
  int fed = 0;
  session.on_progress([&](int done, int) {
    const double share = double(fed + done) / chunks.context;
    bar.update((double(chunk) + share) / double(chunks.count()));
  });
  for (; chunk < chunks.count(); ++chunk) {
    session.rewind(0);
    // The last token has no successor to predict.
    const auto tokens = chunks.at(chunk).first(std::size_t(chunks.context) - 1);
    const auto silent = std::size_t(scorer.wants_all() ? 0 : chunks.first());
    fed = 0;
    if (silent > 0) session.feed(tokens.first(silent));
    fed = int(silent);
    session.feed(tokens.subspan(silent),
                 [&](int position, std::span<const float> logits) { scorer.visit(chunk, position, logits); });
  }
}

int measure(const Flags& flags) {
  if (flags.texts.empty() && flags.kl_base.empty()) throw UsageError("give a text: -f FILE");
  if (!flags.plot.empty() && !flags.by_position) throw UsageError("--plot draws what --by-position measures");
  if (!flags.kl_save.empty() && !flags.kl_base.empty())
    throw UsageError("--kl-save and --kl-base do not go together");
  const SignalScope signals;
  flags.session.tell_notes();
  std::optional<KlReader> base;
  if (!flags.kl_base.empty()) base.emplace(flags.kl_base);
  const Model model = open_model(flags.session.model, flags.session.load_options());
  SessionOptions options = flags.session.session_options(model);
  const Chunks chunks =
      base ? base_chunks(model, flags, *base, options.context) : read_chunks(model, flags, options.context);
  options.context = chunks.context;
  Session session(model, options);
  const CancelOnSignal cancel(session);

  Scorer scorer(flags, model, chunks, base ? &*base : nullptr);
  const auto start = std::chrono::steady_clock::now();
  score_all(session, chunks, scorer);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  PerplexityReport report = scorer.finish();
  report.model_file = flags.session.model;
  report.model = model.info();
  report.context = chunks.context;
  report.first = chunks.first();
  report.threads = session.threads();
  report.chunks = chunks.count();
  report.tokens_read = std::int64_t(chunks.count()) * (chunks.context - 1);
  report.seconds = seconds.count();
  if (!flags.plot.empty()) write_plot(flags.plot, perplexity_svg(report));
  write_output(flags.format == "json" ? perplexity_json(report) : perplexity_text(report));
  return kSuccess;
}

}  // namespace

void add_perplexity(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("perplexity", "Measure how well a model predicts a text");
  auto flags = std::make_shared<Flags>();
  verb->add_option("-f,--file", flags->texts, "Text; may be given several times, each is cut into chunks")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("TEXT");
  verb->add_option("--chunks", flags->chunks, "Read only the first N chunks of each text; 0: all")
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  verb->add_flag("--special", flags->special, "Control tokens written out in the text become those tokens");
  verb->add_flag("--by-position", flags->by_position,
                 "Show the loss as a curve over positions, from the first on");
  verb->add_option("--bucket", flags->bucket,
                   "With --by-position: positions taken together (default: -c / 16)")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("N");
  verb->add_option("--per-token", flags->per_token,
                   "Write one line of JSON for every token but a chunk's first")
      ->type_name("OUT.jsonl");
  verb->add_option("--kl-save", flags->kl_save, "Keep the probabilities, to compare others with them")
      ->type_name("OUT");
  verb->add_option("--kl-base", flags->kl_base,
                   "Compare with these: KL divergence, agreement. The text is in the file")
      ->type_name("FILE");
  verb->add_option("--plot", flags->plot, "Draw the curve of --by-position")->type_name("FILE.svg");
  verb->add_option("-o,--output", flags->format, "text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
  flags->session.add_to(*verb);
  verb->get_option("--ctx-size")->description(fmt::format("Tokens of a chunk (default {})", kDefaultContext));
  require_model(*verb);
  verb->callback([flags, &action] { action = [flags] { return measure(*flags); }; });
}

}  // namespace longhand::cli
