// longhand: CPU inference for GGUF language models. The public interface of the library.
//
//   auto model = longhand::Model::load("model.gguf");
//   longhand::Session session(model);
//   longhand::Sampler sampler(model);
//   longhand::generate(session, model.encode("Once upon a time"), sampler, {},
//                      [](std::string_view text) { std::cout << text; return true; });
//
// Everything that can fail throws longhand::Error (ops/error.h), or std::bad_alloc where memory does not even
// suffice for its message, and leaves the object as it was. The library never prints, exits, aborts or keeps
// global state. A Model is immutable and may serve many sessions in many threads; a Session belongs to one
// thread at a time, except for cancel().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/longhand_adapter.h"
#include "engine/types/architecture_info.h"
#include "engine/types/embeddings.h"
#include "engine/types/generate.h"
#include "engine/types/json_schema.h"
#include "engine/types/load_options.h"
#include "engine/types/metadata.h"
#include "engine/types/model_info.h"
#include "engine/types/probability.h"
#include "engine/types/runner_options.h"
#include "engine/types/sampler_options.h"
#include "engine/types/session_memory.h"
#include "engine/types/session_options.h"
#include "engine/types/token.h"
#include "ops/error.h"

namespace longhand {

struct Access;  // for the library itself
struct ModelData;

/// "0.1.0"
LONGHAND_API std::string_view version() noexcept;
/// The kinds of models this library runs. Throws std::bad_alloc.
LONGHAND_API std::vector<ArchitectureInfo> architectures();

/// A loaded model: immutable, cheap to copy (copies share the weights).
class LONGHAND_API Model {
 public:
  /// Throws Error for every file that is not a model this library runs. The file is mapped and must stay as
  /// it is.
  static Model load(const std::string& path, const LoadOptions& options = {});
  /// From an open regular file, which may be closed afterwards. Throws the same; unsupported for a part of a
  /// split model.
  static Model load_descriptor(int descriptor, const LoadOptions& options = {});
  /// From a file in memory, which must stay where and as it is as long as the model or a copy of it lives.
  /// Throws as load_descriptor().
  static Model load_memory(std::span<const std::byte> file, const LoadOptions& options = {});
  /// From a file in memory that the model keeps.
  static Model load_memory(std::vector<std::byte>&& file, const LoadOptions& options = {});

  ModelInfo info() const;
  /// Tokens of `text`. `special` adds begin-of-text where the model wants it. Text never becomes control
  /// tokens unless `parse_special` is set; never set it for text that came from a user, a file or a tool.
  std::vector<Token> encode(std::string_view text, bool special = true, bool parse_special = false) const;
  /// Text of `tokens`; control tokens add nothing to it unless they are to be `written_out`.
  std::string decode(std::span<const Token> tokens, bool written_out = false) const;
  /// Raw bytes of one token as streamed; may end inside a UTF-8 character.
  std::string piece(Token token, bool written_out = false) const;
  bool ends_generation(Token token) const noexcept;

  /// Keys of the file's metadata. They are numbered as in the file, of a split model in its first part.
  std::size_t metadata_count() const noexcept;
  /// Throws Error: range (no such number).
  MetadataEntry metadata(std::size_t number) const;
  /// The number of a key.
  std::optional<std::size_t> find_metadata(std::string_view key) const noexcept;
  /// The elements of an array, or the one value, all of the entry's type. Texts are bytes as the file has
  /// them, UTF-8 or not; they live as long as a copy of the model. Throws Error: range (no such number),
  /// limit (more than 2^21), no_memory.
  std::vector<MetadataValue> metadata_values(std::size_t number) const;
  /// The defaults, and in their place what the model's authors recommend (general.sampling.*). Throws Error:
  /// type, range (bad values of the file).
  SamplerOptions recommended_sampling() const;

 private:
  friend struct Access;
  explicit Model(std::shared_ptr<const ModelData> data) : data_(std::move(data)) {}
  std::shared_ptr<const ModelData> data_;
};

class Session;

/// Threads and working memory that several sessions share, and what computes them together: their tokens go
/// through the layers side by side, and weights are read once for all. A runner and its sessions belong to
/// one thread at a time.
class LONGHAND_API Runner {
 public:
  /// Throws Error: range, no_memory.
  explicit Runner(const Model& model, const RunnerOptions& options = {});
  ~Runner();
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;

  /// Tokens for one of the runner's sessions.
  struct Feed {
    Session& session;
    std::span<const Token> tokens;
    bool cancelled = false;  ///< set by run(): the session was cancelled and is as it was
    bool goes_on = false;    ///< more of the text follows in another run: no logits are wanted yet
  };
  /// Feeds each session its tokens, all of them together, and leaves each with the logits of its last token
  /// (Session::logits). With f32 caches they are, bit for bit, those of a session that is fed alone.
  ///
  /// The tokens are computed in passes, of RunnerOptions::batch tokens of all sessions at most. A session
  /// that is cancelled leaves the run at the end of the pass under way, as it was before; a pass whose
  /// sessions are all cancelled stops at the next layer. The others are not affected. Its Feed tells; nothing
  /// is thrown.
  ///
  /// Throws Error and leaves every session as it was: context_full, range (token id, no tokens, a session of
  /// another runner or named twice), missing (a session that was moved from), busy, no_memory.
  void run(std::span<Feed> feeds);
  const Model& model() const noexcept;

 private:
  friend struct Access;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a feed shows of each token.
enum class Want : std::uint8_t {
  logits,  ///< (vocab) of the token after it
  hidden   ///< (hidden) its final hidden state, normalised: what the output head reads
};

/// One running text: its tokens and their keys and values. Callbacks it calls must not use
/// it, except cancel(). One that was moved from holds nothing: sizes are 0, and whatever would work on the
/// text throws Error(missing).
class LONGHAND_API Session {
 public:
  /// Throws Error: range, no_memory (with the context that would fit).
  explicit Session(const Model& model, const SessionOptions& options = {});
  /// One that shares a runner, whose threads it has. Throws the same.
  explicit Session(const Runner& runner, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// A session with the same text, options and runner; each may then go on in its own way. Keys and values of
  /// the common text are shared until one of both writes over them. Throws Error(no_memory).
  Session fork() const;

  /// Appends tokens; returns the logits (vocab) after the last one, valid until the next call.
  /// Throws Error and changes nothing: context_full, range (token id, or no tokens at
  /// all), cancelled, no_memory.
  std::span<const float> feed(std::span<const Token> tokens);
  /// Appends embeddings in place of tokens, which tokens() has as -1. Throws Error and changes nothing: as
  /// above; range (no whole number of embeddings, other positions than embeddings, numbers a position cannot
  /// have), unsupported (a model that needs the tokens themselves; memories other than full). A text with
  /// embeddings cannot be saved or cut.
  std::span<const float> feed(const Embeddings& embeddings);
  /// The same of tokens, calling `visit(position, values)` for every token in turn with what is wanted of it,
  /// valid during the call.
  void feed(std::span<const Token> tokens, const std::function<void(int, std::span<const float>)>& visit,
            Want want = Want::logits);
  /// Logits (vocab) after the token at `position`, any fed one; valid until the next call.
  /// Throws Error: range.
  std::span<const float> logits(int position);
  /// Forgets all tokens from `size` on. Throws Error: range.
  void rewind(int size);
  /// Tokens that the first feed after rewind(size) computes again, before its own: 0 under full attention,
  /// which remembers everything. A memory that lets go of old tokens starts again from the last checkpoint
  /// before `size`, or from the start of the text.
  int rewind_cost(int size) const noexcept;

  /// Takes tokens [from, to) out of the text: those behind move up, their keys turned to their new positions.
  /// They still know what was taken out, so that logits are not quite those of the shorter text. False, and
  /// nothing changes, where that cannot be: memories other than full, recurrent states, layers with a window
  /// of their own, learned positions, caches of q8_0. Throws Error: range, no_memory, and changes nothing.
  bool cut(int from, int to);

  /// What is computed beside the model from now on, in place of what was before: all of it, also of the
  /// options the session was made with. Keys and values of a text belong to what they were computed with: a
  /// session that holds tokens refuses others. Throws Error and changes nothing: busy (it holds tokens),
  /// mismatch (loaded for another model), range (scales, layers), limit (more than 64), no_memory.
  void set_adapters(std::span<const AdapterUse> adapters, std::span<const ControlUse> control_vectors = {});

  int size() const noexcept;     ///< tokens fed
  int context() const noexcept;  ///< tokens that fit
  int threads() const noexcept;
  std::span<const Token> tokens() const noexcept;
  std::uint64_t bytes() const noexcept;   ///< memory reserved; it becomes resident as the text grows
  SessionMemory memory() const noexcept;  ///< what it keeps of the text, with every choice made
  const Model& model() const;             ///< Throws Error: missing, where the session was moved from.

  /// Writes tokens and memories to a file, so that a session of the same model and options goes on from there
  /// without reading the text again. The old file stays whole until the new one is (mode 0600). Checkpoints
  /// are not written. A cache: keep the text itself elsewhere. Throws Error(io), no_memory; then an old file
  /// is still there, or, where only its folder could not be written through to the disk, the new one.
  void save_state(const std::string& path) const;
  /// Replaces tokens and memories by those of a file: all later logits are, bit for bit, those of the session
  /// that saved it, on a CPU of the same kind. Throws Error and changes nothing: io, truncated, magic,
  /// version, corrupt, no_memory; mismatch (another model, context, batch, cache type, memory or rope option,
  /// other adapters; threads may differ). Takes as much memory again as the text uses, until it returns.
  void restore_state(const std::string& path);
  std::uint64_t state_bytes() const;  ///< of what save_state() would write
  /// What would be in that file. Throws Error(no_memory).
  std::vector<std::byte> save_state() const;
  /// The same into memory of state_bytes() bytes. Throws Error: range (another size), no_memory; then what is
  /// in it means nothing.
  void save_state(std::span<std::byte> to) const;
  /// As from a file with these bytes, which are not needed any more afterwards.
  void restore_state(std::span<const std::byte> state);

  /// True when `context` was 0 and memory, not the model, set the size.
  bool context_was_cut() const noexcept;

  /// From any thread or signal handler: the feed under way stops within one batch and throws
  /// Error(cancelled). Every later feed does too, until clear_cancel(). What Runner::run does is said there.
  void cancel() noexcept;
  void clear_cancel() noexcept;
  /// Called after each batch of a feed with tokens done and to do; must not touch the
  /// session except cancel().
  void on_progress(std::function<void(int done, int total)> callback);

 private:
  friend struct Access;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// One per conversation; not shared between threads.
///
/// The same seed, options and logits give the same tokens on every platform: random numbers, exponentials and
/// the order of every sum are the library's own.
class LONGHAND_API Sampler {
 public:
  /// Keeps what it needs of `model`. Throws Error: range (a value that is NaN or out of bounds), grammar.
  Sampler(const Model& model, const SamplerOptions& options = {});
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// Draws the next token from `logits` (vocab) and remembers it. Never sorts the whole vocabulary.
  /// -inf marks a token that may not be drawn. Throws Error, and then has changed nothing: shape (wrong
  /// number of logits), nonfinite (NaN or +inf logits, or all are -inf), grammar (no token is allowed).
  Token pick(std::span<const float> logits);
  /// Remembers tokens that were not sampled (the prompt), for penalties. The grammar does not see them.
  void accept(std::span<const Token> tokens);
  /// Another text begins for the grammar: it waits for its trigger again (begins_quiet as there), or holds
  /// from its start. A token that ends generation does the same.
  void begin_text(int begins_quiet = -1) noexcept;
  /// Forgets everything but the options; the random sequence starts anew from the seed.
  void reset();
  std::uint32_t seed() const noexcept;  // the one really used

 private:
  friend struct Access;
  struct Impl;
  explicit Sampler(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

struct SpeculationOptions {
  /// A smaller model of the same vocabulary, which writes ahead; none: what followed the same tokens earlier
  /// in the text.
  std::optional<Model> draft = {};
  bool mtp = false;   ///< what the model's own prediction layers foresee, in place of both
  int most = 0;       ///< tokens guessed at once; 0: 7 with a draft, 3 with mtp, else 15
  bool adapt = true;  ///< guess as many as pay, none where none do; false: always the most
};

inline constexpr std::tuple kSpeculationOptions = {
    Option{"speculation.mtp",
           &SpeculationOptions::mtp,
           {},
           "Guess what the model's own prediction layers (multi-token prediction) foresee"},
    Option{"speculation.most",
           &SpeculationOptions::most,
           {0, 63},
           "Tokens to guess at once, at most; 0: 7 with a draft model, 3 with prediction layers, else 15"},
    Option{"speculation.adapt", &SpeculationOptions::adapt, {}, "Guess only as many tokens as pay"},
};

/// Guesses at the next tokens, which generate() computes along with the one at hand: while weights stream
/// from memory, several tokens take little longer than one. The sampler draws each token as it would anyway,
/// from the model's own logits; guesses it does not draw are taken back. So the text is the same as without
/// guesses, to the last token: logits do not depend on what is computed together. With f32 caches that is
/// promised; it holds for f16 and q8_0 caches as long as their kernels add in one order for one token and
/// many.
///
/// While text is handed over, the session may hold guesses beyond it; once generate() returns it does not. A
/// cancelled text still gets the tokens that were computed before. States that summarise what they forget
/// (vq, performer) cannot take tokens back across the end of a block, and nothing is guessed across it.
///
/// For one session, of which it learns what pays; not shared between threads.
class LONGHAND_API Speculation {
 public:
  /// `session` was made with `options`. Throws Error: unsupported (the draft has another vocabulary, the
  /// model no prediction layers that can be run), range, no_memory; and with mtp as Model::load does of
  /// tensors.
  Speculation(const Session& session, const SessionOptions& options, const SpeculationOptions& how = {});
  ~Speculation();
  Speculation(Speculation&&) noexcept;
  Speculation& operator=(Speculation&&) noexcept;

 private:
  friend struct Access;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Feeds `prompt`, then samples until something ends the text. `on_text` gets whole UTF-8 characters as soon
/// as they are certain not to begin a stop string; returning false ends the text; from the session it may use
/// getters and cancel(), all else throws Error(busy). A cancelled session keeps what was fed. Throws Error as
/// Session::feed and Sampler::pick do, for the prompt only; a context that fills up while writing ends the
/// text with its reason.
LONGHAND_API GenerateResult generate(Session& session, std::span<const Token> prompt, Sampler& sampler,
                                     const GenerateOptions& options = {},
                                     const std::function<bool(std::string_view)>& on_text = {});

}  // namespace longhand

#include "engine/longhand_chat.h"
#include "engine/longhand_embed.h"
#include "engine/longhand_tools.h"
