#include "engine/text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/text/bpe.h"
#include "engine/text/encoder.h"
#include "engine/text/rwkv_vocab.h"
#include "engine/text/special_tokens.h"
#include "engine/text/spm.h"
#include "engine/text/token_text.h"
#include "engine/text/unicode.h"
#include "engine/text/unigram.h"
#include "engine/text/wordpiece.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Maker = std::unique_ptr<Encoder> (*)(const Vocab&);
template <class Kind>
std::unique_ptr<Encoder> make(const Vocab& vocab) {
  return std::make_unique<Kind>(vocab);
}
constexpr std::pair<VocabKind, Maker> kEncoders[] = {{VocabKind::spm, make<Spm>},
                                                     {VocabKind::bpe, make<Bpe>},
                                                     {VocabKind::bpe_raw, make<Bpe>},
                                                     {VocabKind::unigram, make<Unigram>},
                                                     {VocabKind::wordpiece, make<WordPiece>},
                                                     {VocabKind::rwkv, make<RwkvVocab>}};

}  // namespace

std::unique_ptr<Encoder> make_encoder(const Vocab& vocab) {
  const auto entry = std::ranges::find(kEncoders, vocab.kind, [](const auto& e) { return e.first; });
  return entry == std::end(kEncoders) ? nullptr : entry->second(vocab);
}

struct Tokenizer::Impl {
  explicit Impl(Vocab v) : vocab(std::move(v)), specials(vocab), texts(vocab), encoder(make_encoder(vocab)) {}

  bool valid(Token token) const noexcept { return token >= 0 && std::size_t(token) < vocab.tokens.size(); }
  bool is_special(Token token) const noexcept {
    const TokenType type = vocab.types[std::size_t(token)];
    return type == TokenType::control || type == TokenType::unknown;
  }
  std::string_view text_of(Token token, bool show_special) const noexcept {
    if (!valid(token) || (is_special(token) && !show_special)) return {};
    return texts[token];
  }

  /// Calls encode_plain(text, starts_text) for the stretches between special tokens and adds those
  /// around the text.
  template <class EncodePlain>
  std::vector<Token> encode(std::string_view text, EncodeFlags flags, EncodePlain&& encode_plain) const {
    constexpr std::size_t kMaxText = std::numeric_limits<std::int32_t>::max();
    if (text.size() > kMaxText) {
      throw Error(Errc::limit, fmt::format("a text of {} bytes, must be at most {}", text.size(), kMaxText));
    }
    if (!encoder) throw Error(Errc::unsupported, "the model has no tokenizer: it works on token ids only");
    // A classification token and a separator always surround what BERT reads.
    const bool bert = vocab.kind == VocabKind::wordpiece;
    std::vector<Token> out;
    out.reserve(text.size() / 3);  // enough for most texts; of the memory only what is used becomes resident
    const auto add = [&](bool wanted, Token token) {
      if (flags.add_special && wanted && token != kNoToken) out.push_back(token);
    };
    add(vocab.add_bos || bert, vocab.bos);
    bool starts_text = !flags.continues_text;
    for (const SpecialTokens::Fragment& fragment : specials.split(text, flags.parse_special)) {
      if (fragment.token != kNoToken) {
        out.push_back(fragment.token);
      } else {
        encode_plain(fragment.text, starts_text, out);
      }
      starts_text = fragment.token != kNoToken;
    }
    add(vocab.add_eos && !bert, vocab.eos);
    add(bert, vocab.sep);
    return out;
  }

  Vocab vocab;
  SpecialTokens specials;
  TokenTexts texts;
  std::unique_ptr<Encoder> encoder;
};

Tokenizer::Tokenizer(Vocab vocab) : impl_(std::make_unique<Impl>(std::move(vocab))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

const Vocab& Tokenizer::vocab() const noexcept { return impl_->vocab; }
int Tokenizer::size() const noexcept { return int(impl_->vocab.tokens.size()); }

std::vector<Token> Tokenizer::encode(std::string_view text, EncodeFlags flags) const {
  return impl_->encode(text, flags, [&](std::string_view plain, bool starts_text, std::vector<Token>& out) {
    impl_->encoder->encode(plain, starts_text, out);
  });
}

std::vector<Token> Tokenizer::encode_sampled(std::string_view text, double alpha, std::uint64_t seed,
                                             EncodeFlags flags) const {
  const auto* unigram = dynamic_cast<const Unigram*>(impl_->encoder.get());
  if (!unigram) throw Error(Errc::unsupported, "only unigram vocabularies can sample a segmentation");
  if (!std::isfinite(alpha))
    throw Error(Errc::range, fmt::format("sampling exponent {}, must be finite", alpha));
  std::mt19937_64 random(seed);
  return impl_->encode(text, flags, [&](std::string_view plain, bool, std::vector<Token>& out) {
    unigram->sample(plain, alpha, random, out);
  });
}

std::string Tokenizer::piece(Token token, bool show_special) const {
  return std::string(impl_->text_of(token, show_special));
}

std::string Tokenizer::decode(std::span<const Token> tokens, DecodeFlags flags) const {
  const Vocab& vocab = impl_->vocab;
  bool drop_space = vocab.add_space_prefix && !flags.continues_text;
  if (flags.remove_special && vocab.add_bos && !tokens.empty() && tokens.front() == vocab.bos) {
    tokens = tokens.subspan(1);
    drop_space = false;
  }
  if (flags.remove_special && vocab.add_eos && !tokens.empty() && tokens.back() == vocab.eos) {
    tokens = tokens.first(tokens.size() - 1);
  }
  std::string out;
  for (const Token token : tokens) {
    std::string_view text = impl_->text_of(token, flags.unparse_special);
    if (drop_space && text.starts_with(' ')) text.remove_prefix(1);
    drop_space = false;
    out += text;
  }
  const bool clean = vocab.clean_spaces || (flags.clean_spaces && vocab.once_cleaned_spaces);
  return clean ? clean_up_spaces(out) : out;
}

bool Tokenizer::ends_generation(Token token) const noexcept {
  return std::ranges::binary_search(impl_->vocab.end_of_generation, token);
}

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  const std::size_t whole = held_.size() - unfinished_bytes(held_);
  std::string out = replace_invalid(std::string_view(held_).substr(0, whole));
  held_.erase(0, whole);
  return out;
}

std::string Utf8Stream::finish() {
  std::string out = replace_invalid(held_);
  held_.clear();
  return out;
}

}  // namespace longhand
