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

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/error.h"

namespace longhand {

using Token = std::int32_t;

struct LoadOptions {
  bool repack = true;    ///< interleave weights for the CPU at load; false, or too little memory for it:
                         ///< compute from the file's own rows
  int threads = 0;       ///< for loading; 0: as many as the machine gives this process
  std::string isa = {};  ///< "avx2", "sse2", ...; empty: LONGHAND_ISA, else the best this CPU runs
  std::function<bool(float)> progress = {};  ///< told the share done, 0..1; returning false cancels the load
};

/// What a model is, for showing.
struct ModelInfo {
  std::string name;          // general.name or the file's name
  std::string architecture;  // "llama"
  std::string type;          // most common tensor type, "Q4_K"
  std::string isa;           // kernels in use
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  int vocab = 0, trained_context = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0;
  std::vector<std::string> warnings;  // oddities of the file worth telling once
};

class Tokenizer;
class Verifier;
struct ModelData;

/// A loaded model: immutable, cheap to copy (copies share the weights).
class LONGHAND_API Model {
 public:
  /// Throws Error for every file that is not a model this library runs.
  static Model load(const std::string& path, const LoadOptions& options = {});

  ModelInfo info() const;
  /// Tokens of `text`. `special` adds begin-of-text where the model wants it. Text never becomes control
  /// tokens unless `parse_special` is set; never set it for text that came from a user, a file or a tool.
  std::vector<Token> encode(std::string_view text, bool special = true, bool parse_special = false) const;
  std::string decode(std::span<const Token> tokens) const;
  /// Raw bytes of one token as streamed; may end inside a UTF-8 character.
  std::string piece(Token token) const;
  bool ends_generation(Token token) const noexcept;

  const ModelData& data() const noexcept { return *data_; }  // for the engine itself

 private:
  explicit Model(std::shared_ptr<const ModelData> data) : data_(std::move(data)) {}
  std::shared_ptr<const ModelData> data_;
};

enum class CacheType : std::uint8_t { f32, f16, q8_0, bf16 };

/// How rotary positions are rescaled. `from_file` keeps what the model says.
enum class RopeScaling : std::uint8_t { from_file, none, linear, ntk, ntk_fixed, ntk_mixed, yarn };

/// Overrides of the file's rotary parameters; negative: keep the file's value.
struct RopeOptions {
  RopeScaling scaling = RopeScaling::from_file;
  float factor = -1;  ///< context is stretched by this factor; alone it means linear
  /// The factor is what the session's context needs: context / trained length, at least 1. So is the factor
  /// of a `scaling` given without one, where the file has none either.
  bool auto_factor = false;
  float base = -1;
  int original_context = -1;
  float yarn_beta_fast = -1, yarn_beta_slow = -1, yarn_ext_factor = -1;
};

/// What a session remembers of its text, and how sharply it looks at it. Negative numbers: what the file
/// says, else the default in brackets (T: the trained context).
struct AttentionOptions {
  /// full, window, rerope, leaky-rerope, vq or performer; empty: what the file says, else full.
  std::string memory = {};
  int window =
      -1;  ///< tokens at their true distance [T/2 window; T/4 rerope, leaky-rerope; T/8 vq, performer]
  int sinks = -1;  ///< first tokens that stay for ever [4]: window, vq, performer; at most 512
  int far = -1;    ///< distance of everything remembered in summary [2 x window]: vq, performer
  /// Beyond the window distances grow this much slower [8, or as much more as SessionOptions::context needs
  /// to stay within T]: leaky-rerope
  float leak = -1;
  int codes = -1;  ///< of a codebook learned while running [256]: vq
  /// For codes learned while running (vq). Distances count dimensions by how much queries ask for them.
  bool weighted = false;
  /// Codes remember how far their keys scatter, which corrects a query's score of a code.
  bool second_order = false;
  /// Old tokens every query reads exactly, those of the codes it likes best; all keys and values then stay in
  /// memory [0].
  int exact = -1;
  int features = -1;  ///< drawn at random, where the file has none [256]: performer
  /// Earlier states kept, so that a rewind past what the memory still holds need not read the text again from
  /// the start.
  int checkpoints = 3;
  /// Attention grows sharper with the text: queries at position i times max(1, ln(i + 1) / ln(log_n)).
  /// 0: log_n is the trained context; negative: off. Refused for files trained with a rule of their own.
  int log_n = -1;
};

/// The most threads of a session or of loading, and tokens computed at once.
inline constexpr int kMaxThreads = 256, kMaxBatch = 8192;

struct SessionOptions {
  int context = 0;          ///< tokens; 0: what the model was trained for, or as much as fits in memory
  int threads = 0;          ///< 0: physical cores this process may use, fewer for very small models
  int prefill_threads = 0;  ///< while more than a few tokens are computed at once; 0: as `threads`
  int batch = 512;          ///< tokens computed at once while reading a prompt; results do not depend on it
  CacheType key_cache = CacheType::f16;
  CacheType value_cache = CacheType::f16;
  RopeOptions rope = {};
  AttentionOptions attention = {};
};

/// One running text: its tokens and their keys and values. Callbacks it calls must not use
/// it, except cancel().
class LONGHAND_API Session {
 public:
  /// Throws Error: range, no_memory (with the context that would fit).
  explicit Session(const Model& model, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// Appends tokens; returns the logits (vocab) after the last one, valid until the next call.
  /// Throws Error and changes nothing: context_full, range (token id, or no tokens at
  /// all), cancelled, no_memory.
  std::span<const float> feed(std::span<const Token> tokens);
  /// The same, calling `visit(position, logits)` for every token in turn.
  void feed(std::span<const Token> tokens, const std::function<void(int, std::span<const float>)>& visit);
  /// For measuring at depth: appends tokens as feed() does, but computes nothing; what the memories hold of
  /// them afterwards is random.
  void pretend(std::span<const Token> tokens);
  /// Logits (vocab) after the token at `position`, any fed one; valid until the next call.
  /// Throws Error: range.
  std::span<const float> logits(int position);
  /// Forgets all tokens from `size` on. Throws Error: range.
  void rewind(int size);
  /// Tokens that the first feed after rewind(size) computes again, before its own: 0 under full attention,
  /// which remembers everything. A memory that lets go of old tokens starts again from the last checkpoint
  /// before `size`, or from the start of the text.
  int rewind_cost(int size) const noexcept;

  int size() const noexcept;     ///< tokens fed
  int context() const noexcept;  ///< tokens that fit
  int threads() const noexcept;
  std::span<const Token> tokens() const noexcept;
  std::uint64_t bytes() const noexcept;  ///< memory reserved; it becomes resident as the text grows
  const Model& model() const noexcept;

  /// Writes tokens and memories to a file, so that a session of the same model and options goes on from there
  /// without reading the text again. The old file stays whole until the new one is (mode 0600). Checkpoints
  /// are not written. A cache: keep the text itself elsewhere. Throws Error(io), no_memory; then an old file
  /// is still there, or, where only its folder could not be written through to the disk, the new one.
  void save_state(const std::string& path) const;
  /// Replaces tokens and memories by those of a file: all later logits are, bit for bit, those of the session
  /// that saved it, on a CPU of the same kind. Throws Error and changes nothing: io, truncated, magic,
  /// version, corrupt, no_memory; mismatch (another model, context, batch, cache type, memory or rope option;
  /// threads may differ). Takes as much memory again as the text uses, until it returns.
  void restore_state(const std::string& path);
  std::uint64_t state_bytes() const;  ///< of the file that save_state() would write

  /// True when `context` was 0 and memory, not the model, set the size.
  bool context_was_cut() const noexcept;

  /// From any thread or signal handler: the feed under way stops within one batch and throws
  /// Error(cancelled). Every later feed does too, until clear_cancel().
  void cancel() noexcept;
  void clear_cancel() noexcept;
  /// Called after each batch of a feed with tokens done and to do; must not touch the
  /// session except cancel().
  void on_progress(std::function<void(int done, int total)> callback);

 private:
  friend class Verifier;  // for which it runs ahead of the text
  void refuse_use(bool refuse) noexcept;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The stages of the chain. Names as users write them in --samplers.
enum class SamplerStage : std::uint8_t {
  penalties,
  dry,
  top_n_sigma,
  top_k,
  typical_p,
  top_p,
  min_p,
  xtc,
  temperature
};

/// Defaults are those users of this field expect. A value that switches a stage off is named beside it.
struct SamplerOptions {
  std::uint32_t seed = 0xFFFFFFFF;  ///< 0xFFFFFFFF: a fresh seed from the system
  float temperature = 0.8f;         ///< <= 0: always the most likely token
  float dynatemp_range = 0.0f;      ///< 0 off
  float dynatemp_exponent = 1.0f;
  int top_k = 40;                ///< <= 0 off
  float top_p = 0.95f;           ///< 1 off
  float min_p = 0.05f;           ///< 0 off
  float typical_p = 1.0f;        ///< 1 off
  float top_n_sigma = -1.0f;     ///< <= 0 off
  float xtc_probability = 0.0f;  ///< 0 off
  float xtc_threshold = 0.1f;    ///< > 0.5 off
  int min_keep = 0;              ///< filters keep at least so many tokens
  int penalty_last_n = 64;       ///< tokens looked back at; 0 off, -1 all
  float repeat_penalty = 1.0f;   ///< 1 off
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  float dry_multiplier = 0.0f;  ///< 0 off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_penalty_last_n = -1;
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  int mirostat = 0;  ///< 1 or 2 replace the filters; penalties, dry and temperature stay
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  bool ignore_eos = false;  ///< never end by itself
  std::vector<std::pair<Token, float>> logit_bias = {};
  std::vector<SamplerStage> stages = {
      SamplerStage::penalties, SamplerStage::dry,       SamplerStage::top_n_sigma,
      SamplerStage::top_k,     SamplerStage::typical_p, SamplerStage::top_p,
      SamplerStage::min_p,     SamplerStage::xtc,       SamplerStage::temperature};
  std::string grammar = {};  ///< GBNF text; empty: none
};

/// "penalties;dry;top_k" or the short form "edskypmxt", one letter a stage in the order of the enum. Throws
/// Error (range) naming an unknown stage.
LONGHAND_API std::vector<SamplerStage> parse_sampler_stages(std::string_view text);

struct TokenTable;  // engine/sampling/sampler.h

/// One per conversation; not shared between threads.
///
/// The same seed, options and logits give the same tokens on every platform: random numbers, exponentials and
/// the order of every sum are the library's own.
class LONGHAND_API Sampler {
 public:
  /// Keeps what it needs of `model`. Throws Error: range (a value that is NaN or out of bounds), grammar.
  Sampler(const Model& model, const SamplerOptions& options = {});
  /// For vocabularies without a model, which must outlive the sampler.
  Sampler(const SamplerOptions& options, const Tokenizer& tokenizer);
  Sampler(const SamplerOptions& options, TokenTable tokens);
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// Draws the next token from `logits` (vocab) and remembers it. Never sorts the whole vocabulary.
  /// -inf marks a token that may not be drawn. Throws Error, and then has changed nothing: shape (wrong
  /// number of logits), nonfinite (NaN or +inf logits, or all are -inf), grammar (no token is allowed).
  Token pick(std::span<const float> logits);
  /// Remembers tokens that were not sampled (the prompt), for penalties. The grammar does not see them.
  void accept(std::span<const Token> tokens);
  /// Forgets everything but the options; the random sequence starts anew from the seed.
  void reset();
  std::uint32_t seed() const noexcept;  // the one really used

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct SpeculationOptions {
  /// A smaller model of the same vocabulary, which writes ahead; none: what followed the same tokens earlier
  /// in the text.
  std::optional<Model> draft = {};
  int most = 0;       ///< tokens guessed at once; 0: 7 with a draft, else 15
  bool adapt = true;  ///< guess as many as pay, none where none do; false: always the most
};

/// Guesses at the next tokens, which generate() computes along with the one at hand: while weights stream
/// from memory, several tokens take little longer than one. The sampler draws each token as it would anyway,
/// from the model's own logits; guesses it does not draw are taken back. So the text is the same as without
/// guesses, to the last token: logits do not depend on what is computed together. With f32 caches that is
/// promised; it holds for f16 and q8_0 caches as long as their kernels add in one order for one token and
/// many.
///
/// While text is handed over, the session may hold guesses beyond it; once generate() returns it does not. A
/// cancelled text still gets the tokens that were computed before. Memories that summarise what they forget
/// (vq, performer) cannot take tokens back across the end of a block, and nothing is guessed across it.
///
/// For one session, of which it learns what pays; not shared between threads.
class LONGHAND_API Speculation {
 public:
  /// `session` was made with `options`. Throws Error: unsupported (the draft has another
  /// vocabulary), range, no_memory.
  Speculation(const Session& session, const SessionOptions& options, const SpeculationOptions& how = {});
  ~Speculation();
  Speculation(Speculation&&) noexcept;
  Speculation& operator=(Speculation&&) noexcept;

  struct Impl;
  Impl* impl() noexcept { return impl_.get(); }  // for the engine itself

 private:
  std::unique_ptr<Impl> impl_;
};

enum class StopReason : std::uint8_t {
  end_of_generation,
  stop_string,
  max_tokens,
  context_full,
  cancelled,
  callback
};
LONGHAND_API std::string_view stop_reason_name(StopReason reason) noexcept;

struct GenerateOptions {
  int max_tokens = -1;                 ///< -1: until the model ends or the context is full
  std::vector<std::string> stop = {};  ///< the text ends before the first of these
  std::vector<Token> written_out =
      {};                              ///< control tokens that are part of the text; others add nothing to it
  Speculation* speculation = nullptr;  ///< guesses to compute ahead, made for this session; not owned
};

struct GenerateResult {
  std::string text;           // valid UTF-8, without the stop string
  std::vector<Token> tokens;  // sampled, without the one that ended the text
  StopReason reason = StopReason::end_of_generation;
  int prompt_tokens = 0;
  double prompt_seconds = 0;  // reading the prompt
  double decode_seconds = 0;  // writing the answer
  int feeds = 0;              // computations while writing; fewer than tokens where guesses came true
  int guesses = 0, right_guesses = 0;
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
