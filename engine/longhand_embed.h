// Vectors and scores of texts. Included by longhand.h.
//
//   longhand::Embedder embedder(model);
//   std::vector<float> vector = embedder.embed("What is the capital of Peru?");
//
// Models made for it do not predict tokens, and a Session of one is refused. Any other model works here, too.
#pragma once

#include "engine/longhand.h"
#include "engine/types/embed_options.h"

namespace longhand {

/// Makes vectors of texts, or scores of pairs of texts where the model is a reranker. Belongs to one thread
/// at a time, except for cancel().
class LONGHAND_API Embedder {
 public:
  /// Throws Error: range, no_memory; unsupported (scores are asked of a file that has no classifier).
  explicit Embedder(const Model& model, const EmbedOptions& options = {});
  ~Embedder();
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;

  int width() const noexcept;        ///< values of a vector, or scores of a text
  int context() const noexcept;      ///< tokens a text may have; no more than learned positions
  Pooling pooling() const noexcept;  ///< never from_file
  const std::vector<std::string>& labels() const noexcept;  ///< of the scores; empty: they have no names
  const Model& model() const noexcept;

  /// A text as the model reads it.
  struct Input {
    std::vector<Token> tokens;
    int left_out = 0;  ///< tokens at its end for which there was no room
  };
  /// What the vocabulary puts at the end of a text stays where the text is cut.
  Input encode(std::string_view text) const;
  /// Two texts as a reranker reads them: by the template of its file, else with the vocabulary's separators.
  /// The document is cut. Throws Error: context_full (the query leaves no room for it), chat_template.
  Input encode_pair(std::string_view query, std::string_view document) const;

  /// Told the vectors (rows, width) of texts[text]: one row, or one for each token where pooling is none.
  using Visit = std::function<void(std::size_t text, std::span<const float> vectors)>;
  /// The vectors of some texts, in their order, computed together. A vector does not depend on the texts
  /// beside it. Throws Error: context_full, range (token ids, a text without tokens), before anything is
  /// computed; nonfinite, cancelled, no_memory.
  void embed(std::span<const std::vector<Token>> texts, const Visit& visit);
  /// The vector of one text, which is cut to the context. Throws as above.
  std::vector<float> embed(std::string_view text);

  /// From any thread or signal handler: embed() stops within one pass and throws Error(cancelled), and every
  /// later one does, until clear_cancel().
  void cancel() noexcept;
  void clear_cancel() noexcept;
  /// Called after each pass with tokens done and to do; must use nothing but cancel().
  void on_progress(std::function<void(int done, int total)> callback);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand
