#include "loaders/vocab/vocab.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loaders/vocab/pre_types.h"
#include "loaders/vocab/text_index.h"
#include "loaders/vocab/token_roles.h"
#include "ops/error.h"

namespace longhand {
namespace {

// The longest tokens of published vocabularies are runs of spaces: 512 bytes in StarCoder's, 256 in GPT-2's
// and Qwen2's. At each byte of a text the tokens that begin there are looked for, which compares as many
// bytes a few times and goes through the shorter tokens among them: some microseconds at most, whatever the
// file holds.
constexpr std::size_t kMaxTokenBytes = 4096;

/// What a tokenizer model stands for where the file does not say otherwise.
struct ModelDefaults {
  std::string_view model;  // tokenizer.ggml.model
  VocabKind kind;
  Token bos = kNoToken, eos = kNoToken, unk = kNoToken, sep = kNoToken, pad = kNoToken, mask = kNoToken;
  bool add_bos = false, add_eos = false, add_sep = false, add_space_prefix = false;
  bool clean_spaces = false, once_cleaned_spaces = false;
};
constexpr ModelDefaults kModels[] = {
    {.model = "llama",
     .kind = VocabKind::spm,
     .bos = 1,
     .eos = 2,
     .unk = 0,
     .add_bos = true,
     .add_space_prefix = true},
    {.model = "gpt2", .kind = VocabKind::bpe, .once_cleaned_spaces = true},
    {.model = "gemma4", .kind = VocabKind::bpe_raw, .add_bos = true, .once_cleaned_spaces = true},
    {.model = "bert",
     .kind = VocabKind::wordpiece,
     .bos = 101,
     .unk = 100,
     .sep = 102,
     .pad = 0,
     .mask = 103,
     .add_bos = true,
     .add_sep = true,
     .clean_spaces = true},
    {.model = "t5",
     .kind = VocabKind::unigram,
     .eos = 1,
     .unk = 2,
     .pad = 0,
     .add_eos = true,
     .add_space_prefix = true},
    {.model = "rwkv", .kind = VocabKind::rwkv},
    {.model = "none", .kind = VocabKind::none},
    {.model = "no_vocab", .kind = VocabKind::none},
};

struct IdKey {
  const KeySpec& key;
  Token Vocab::*member;
};
constexpr IdKey kIds[] = {{key::bos_id, &Vocab::bos},         {key::eos_id, &Vocab::eos},
                          {key::eot_id, &Vocab::eot},         {key::eom_id, &Vocab::eom},
                          {key::unk_id, &Vocab::unk},         {key::sep_id, &Vocab::sep},
                          {key::pad_id, &Vocab::pad},         {key::mask_id, &Vocab::mask},
                          {key::fim_pre_id, &Vocab::fim_pre}, {key::fim_suf_id, &Vocab::fim_suf},
                          {key::fim_mid_id, &Vocab::fim_mid}, {key::fim_pad_id, &Vocab::fim_pad},
                          {key::fim_rep_id, &Vocab::fim_rep}, {key::fim_sep_id, &Vocab::fim_sep}};

class Loader {
 public:
  explicit Loader(const Gguf& file) : file_(file) {}

  Vocab run() {
    const ModelDefaults& defaults = find_model();
    vocab_.kind = defaults.kind;
    vocab_.model_name = file_.get_string(key::name).value_or("");
    vocab_.chat_template = file_.get_string(key::chat_template).value_or("");
    if (vocab_.kind == VocabKind::none) {
      vocab_.tokens.resize(std::size_t(file_.require_int(key::vocab_size)));
      vocab_.types.resize(vocab_.tokens.size(), TokenType::normal);
      return std::move(vocab_);
    }
    const PreType* pre = find_pre();
    read_tokens();
    read_merges();
    read_ids(defaults, pre);
    read_flags(defaults, pre);
    assign_token_roles(vocab_, file_.architecture());
    settle_added_tokens();
    return std::move(vocab_);
  }

 private:
  [[noreturn]] void fail(Errc code, const KeySpec& key, std::string_view what) const {
    throw Error(code, fmt::format("{}: {}: {}", file_.name(), key.name, what));
  }

  const ModelDefaults& find_model() const {
    const std::string_view name = file_.require_string(key::tokenizer_model);
    const auto model = std::ranges::find(kModels, name, &ModelDefaults::model);
    if (model == std::end(kModels)) {
      fail(Errc::unsupported, key::tokenizer_model, fmt::format("tokenizer '{}' is not supported", name));
    }
    return *model;
  }

  // Only byte-pair vocabularies have a pre-tokenizer; nullptr for others.
  const PreType* find_pre() {
    vocab_.pre = file_.get_string(key::tokenizer_pre).value_or("");
    if (vocab_.kind != VocabKind::bpe && vocab_.kind != VocabKind::bpe_raw) return nullptr;
    if (vocab_.pre.empty()) {
      vocab_.pre = vocab_.kind == VocabKind::bpe_raw ? "gemma4" : "default";
      if (vocab_.kind == VocabKind::bpe) {
        vocab_.warnings.emplace_back(
            "the file does not name its pre-tokenizer (tokenizer.ggml.pre): words are cut by a default rule, "
            "and "
            "answers may suffer");
      }
    }
    const PreType* pre = find_pre_type(vocab_.pre);
    if (!pre) {
      fail(Errc::unsupported, key::tokenizer_pre, fmt::format("pre-tokenizer '{}' is not known", vocab_.pre));
    }
    if ((pre->flags & kRawUtf8) != 0) vocab_.kind = VocabKind::bpe_raw;
    return pre;
  }

  void read_tokens() {
    vocab_.tokens = file_.get_strings(key::tokens);
    const std::size_t n = vocab_.tokens.size();
    if (!file_.has(key::tokens)) fail(Errc::missing, key::tokens, "required, absent");
    if (n == 0) fail(Errc::range, key::tokens, "0 tokens, must be at least 1");
    TextIndex index(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (vocab_.tokens[i].size() > kMaxTokenBytes) {
        fail(Errc::limit, key::tokens,
             fmt::format("token {} has {} bytes, must be at most {}", i, vocab_.tokens[i].size(),
                         kMaxTokenBytes));
      }
      index.insert(vocab_.tokens[i], Token(i));
    }
    if (index.size() != n) {
      vocab_.warnings.push_back(fmt::format("{} tokens have the text of an earlier one", n - index.size()));
    }
    read_types(n);
    read_scores(n);
  }

  void check_count(const KeySpec& key, std::size_t count, std::size_t tokens) const {
    if (count != tokens) fail(Errc::range, key, fmt::format("{} elements for {} tokens", count, tokens));
  }

  void read_types(std::size_t n) {
    vocab_.types.assign(n, TokenType::normal);
    if (!file_.has(key::token_types)) return;
    const std::vector<std::int64_t> types = file_.get_ints(key::token_types);
    check_count(key::token_types, types.size(), n);
    std::ranges::transform(types, vocab_.types.begin(),
                           [](std::int64_t t) { return static_cast<TokenType>(t); });
  }

  void read_scores(std::size_t n) {
    if (file_.has(key::scores)) {
      const std::vector<double> scores = file_.get_floats(key::scores);
      check_count(key::scores, scores.size(), n);
      vocab_.scores.reserve(n);
      for (const double s : scores) {
        if (!std::isfinite(s)) fail(Errc::range, key::scores, fmt::format("{} is no score", s));
        vocab_.scores.push_back(float(s));
      }
    } else if (vocab_.kind == VocabKind::spm || vocab_.kind == VocabKind::unigram) {
      fail(Errc::missing, key::scores, "required by this kind of tokenizer, absent");
    }
  }

  void read_merges() {
    if (vocab_.kind != VocabKind::bpe && vocab_.kind != VocabKind::bpe_raw) return;
    if (!file_.has(key::merges) && vocab_.pre != "kimi-k2") {
      fail(Errc::missing, key::merges, "required by this kind of tokenizer, absent");
    }
    vocab_.merges = file_.get_strings(key::merges);
    const auto broken = std::ranges::count_if(vocab_.merges, [](std::string_view merge) {
      const std::size_t space = merge.find(' ', 1);
      return space == std::string_view::npos || space + 1 == merge.size();
    });
    if (broken != 0)
      vocab_.warnings.push_back(fmt::format("{} merges are not two texts with a space between", broken));
  }

  // Converters write "no such token" as -1 or the greatest number, and ids of other vocabularies by mistake.
  Token token_of(const KeySpec& key, std::int64_t id) {
    constexpr std::int64_t kNone = std::numeric_limits<std::uint32_t>::max();
    const auto n = std::int64_t(vocab_.tokens.size());
    if (id >= 0 && id < n) return Token(id);
    const bool none = id == kNone || id == -1;
    vocab_.warnings.push_back(
        none ? fmt::format("{} is {}, which means none", key.name, id)
             : fmt::format("{} is {}, which is no token of the vocabulary, 0..{}: ignored", key.name, id,
                           n - 1));
    return kNoToken;
  }

  void read_ids(const ModelDefaults& defaults, const PreType* pre) {
    const auto n = std::int64_t(vocab_.tokens.size());
    const auto known = [n](Token t) { return t < n ? t : kNoToken; };
    vocab_.bos = known(defaults.bos);
    vocab_.eos = known(defaults.eos);
    vocab_.unk = known(defaults.unk);
    vocab_.sep = known(defaults.sep);
    vocab_.pad = known(defaults.pad);
    vocab_.mask = known(defaults.mask);
    for (const auto& [key, member] : kIds) {
      if (const auto id = file_.get_int(key)) vocab_.*member = token_of(key, *id);
    }
    for (const std::int64_t id : file_.get_ints(key::suppress_tokens)) {
      if (const Token token = token_of(key::suppress_tokens, id); token != kNoToken)
        vocab_.suppressed.push_back(token);
    }
    if (pre && (pre->flags & kNoBos) != 0) vocab_.bos = kNoToken;
  }

  void read_flags(const ModelDefaults& defaults, const PreType* pre) {
    const std::uint32_t flags = pre ? pre->flags : 0;
    const auto flag = [&](const KeySpec& key, bool otherwise) {
      return file_.get_bool(key).value_or(otherwise);
    };
    vocab_.add_bos = flag(key::add_bos, defaults.add_bos || (flags & kAddBos) != 0);
    if (vocab_.kind == VocabKind::bpe_raw && defaults.add_bos) vocab_.add_bos = true;
    if ((flags & kNoBos) != 0) vocab_.add_bos = false;
    vocab_.add_eos = flag(key::add_eos, defaults.add_eos);
    vocab_.add_sep =
        flag(key::add_sep, defaults.add_sep || ((flags & kAddSep) != 0 && vocab_.sep != kNoToken));
    vocab_.add_space_prefix = flag(key::add_space_prefix, defaults.add_space_prefix);
    vocab_.clean_spaces = defaults.clean_spaces;
    vocab_.once_cleaned_spaces = defaults.once_cleaned_spaces && (flags & kKeepSpaces) == 0;
    vocab_.ignore_merges = (flags & kIgnoreMerges) != 0;
    vocab_.remove_extra_whitespaces = flag(key::remove_whitespaces, false);
    vocab_.lowercase = flag(key::lowercase, true);
    vocab_.strip_accents = flag(key::strip_accents, vocab_.lowercase);
    vocab_.charsmap = file_.get_bytes(key::charsmap);
  }

  // A file that says that it has no such token wants none added, whatever its kind of vocabulary does.
  void settle_added_tokens() {
    const auto settle = [&](bool& added, Token token, const KeySpec& flag, const KeySpec& id) {
      if (!added || token != kNoToken) return;
      if (!file_.has(id)) fail(Errc::range, flag, fmt::format("true, but {} names no token", id.name));
      added = false;
      vocab_.warnings.push_back(fmt::format("{} names no token: none is added to texts", id.name));
    };
    settle(vocab_.add_bos, vocab_.bos, key::add_bos, key::bos_id);
    settle(vocab_.add_eos, vocab_.eos, key::add_eos, key::eos_id);
    settle(vocab_.add_sep, vocab_.sep, key::add_sep, key::sep_id);
  }

  const Gguf& file_;
  Vocab vocab_;
};

}  // namespace

Vocab load_vocab(const Gguf& file) { return Loader(file).run(); }

}  // namespace longhand
