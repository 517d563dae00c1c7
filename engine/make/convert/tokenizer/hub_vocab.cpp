#include "engine/make/convert/tokenizer/hub_vocab.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "engine/make/convert/tokenizer/pre_match.h"
#include "engine/make/convert/tokenizer/replace_all.h"
#include "engine/text/unicode.h"
#include "loaders/gguf/mapped_file.h"
#include "loaders/safetensors/json_file.h"
#include "loaders/vocab/pre_types.h"
#include "loaders/vocab/spm_model.h"
#include "loaders/vocab/vocab.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::size_t kMostTokenBytes = std::size_t{1} << 16;
constexpr std::size_t kMostTokens = std::size_t{1} << 21;
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr std::string_view kEncodedSpace = "\xC4\xA0";   // U+0120, the stand-in for the byte of a space
constexpr float kAddedScore = -1000;

// Of token `id`, which no merge makes: below all scores of merges, and in the order of the tokens.
float unmerged_score(std::size_t id) { return -1e9f * (1 + float(id) / float(kMostTokens)); }

// Whether the text is longer than one character, so that only merging could make it.
bool is_long(std::string_view token) {
  std::size_t at = 0;
  return !token.empty() && decode_utf8(token, at).length < token.size();
}

std::int32_t number_of(TokenType type) { return std::int32_t(type); }

// Some files do not mark these as special.
bool looks_special(std::string_view text) {
  constexpr std::string_view kNames[] = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
  constexpr std::string_view kBar = "\xEF\xBD\x9C";  // U+FF5C
  const auto between = [&](std::string_view open, std::string_view close) {
    return text.starts_with(open) && text.ends_with(close) && text.size() >= open.size() + close.size();
  };
  return std::ranges::find(kNames, text) != std::end(kNames) || between("<|", "|>") ||
         between("<unused", ">") || between(fmt::format("<{}", kBar), fmt::format("{}>", kBar));
}

bool is_byte_token(std::string_view text) {
  const auto hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
  };
  return text.size() == 6 && text.starts_with("<0x") && text.back() == '>' && hex(text[3]) && hex(text[4]);
}

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}
bool flag(const json& object, const char* key, bool otherwise) {
  const json* value = member(object, key);
  return value && value->is_boolean() ? value->get<bool>() : otherwise;
}
std::string text(const json& object, const char* key) {
  const json* value = member(object, key);
  return value && value->is_string() ? value->get<std::string>() : "";
}

class Reader {
 public:
  Reader(const std::string& folder, const Family& family) : folder_(folder), family_(family) {}

  HubVocab run(const std::string& pre_tokenizer) {
    json_path_ = (fs::path(folder_) / "tokenizer.json").string();
    const std::string spm_path = (fs::path(folder_) / "tokenizer.model").string();
    std::error_code error;
    const bool has_json = fs::exists(json_path_, error), has_spm = fs::exists(spm_path, error);
    if (has_json) json_ = read_json_file(json_path_, kMostTokenizerBytes);
    if (has_json && !merges_characters()) {
      read_byte_level(pre_tokenizer);
    } else if (has_json && family_.escapes_spaces) {
      read_characters();
    } else if (has_spm) {
      read_spm(spm_path);
    } else if (has_json) {
      read_scored();
    } else {
      throw Error(Errc::missing, fmt::format("{}: has neither tokenizer.json nor tokenizer.model", folder_));
    }
    if (has_json) read_around();
    return std::move(vocab_);
  }

 private:
  [[noreturn]] void fail(Errc code, std::string_view what) const {
    throw Error(code, fmt::format("{}: {}", json_path_, what));
  }

  const json& model() const {
    const json* model = member(json_, "model");
    if (!model || !model->is_object()) fail(Errc::corrupt, "model must be an object");
    return *model;
  }

  // Byte-pair merging of characters, with single bytes for what has no token, as SentencePiece does it.
  bool merges_characters() const {
    const std::string type = text(model(), "type");
    // Older files leave the type out.
    if (type != "BPE" && !(type.empty() && member(model(), "merges")))
      fail(Errc::unsupported,
           fmt::format("model.type '{}' is not converted, must be BPE", escape_controls(type, 40)));
    return flag(model(), "byte_fallback", false);
  }

  void put(std::uint64_t id, std::string token, TokenType type) {
    if (id >= kMostTokens) fail(Errc::limit, fmt::format("token id {}, must be below {}", id, kMostTokens));
    if (token.size() > kMostTokenBytes) {
      fail(Errc::limit,
           fmt::format("token {} has {} bytes, must have at most {}", id, token.size(), kMostTokenBytes));
    }
    if (id >= vocab_.tokens.size()) {
      vocab_.tokens.resize(std::size_t(id) + 1);
      vocab_.types.resize(std::size_t(id) + 1, number_of(TokenType::unused));
      vocab_.given.resize(std::size_t(id) + 1);
    }
    vocab_.tokens[std::size_t(id)] = std::move(token);
    vocab_.types[std::size_t(id)] = number_of(type);
    vocab_.given[std::size_t(id)] = true;
  }

  void read_tokens() {
    const json* tokens = member(model(), "vocab");
    if (!tokens || !tokens->is_object()) fail(Errc::corrupt, "model.vocab must be an object");
    for (const auto& [token, id] : tokens->items()) {
      if (!id.is_number_unsigned())
        fail(Errc::range,
             fmt::format("model.vocab: the id of '{}' must be a whole number", escape_controls(token, 40)));
      put(id.get<std::uint64_t>(), token, TokenType::normal);
    }
  }

  // The texts of both halves, with a space between.
  std::string merge_text(const json& merge) const {
    if (merge.is_string()) return merge.get<std::string>();
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string())
      fail(Errc::corrupt, "model.merges must be texts, or pairs of texts");
    const auto half = [&](std::size_t i) {
      return replace_all(merge[i].get<std::string>(), " ", kEncodedSpace);
    };
    return half(0) + " " + half(1);
  }

  void read_merges() {
    const json* merges = member(model(), "merges");
    if (!merges || !merges->is_array()) fail(Errc::corrupt, "model.merges must be a list");
    vocab_.merges.reserve(merges->size());
    for (const json& merge : *merges) vocab_.merges.push_back(merge_text(merge));
  }

  // Tokens beyond the model's own, and what is special of those.
  void read_added() {
    const json* added = member(json_, "added_tokens");
    if (!added) return;
    if (!added->is_array()) fail(Errc::corrupt, "added_tokens must be a list");
    for (const json& token : *added) {
      const json* id = member(token, "id");
      if (!id || !id->is_number_unsigned() || !member(token, "content"))
        fail(Errc::corrupt, "added_tokens must have id and content");
      put_added(id->get<std::uint64_t>(), text(token, "content"), flag(token, "special", false));
    }
  }

  // Where tokenizer.json is absent, tokens beyond tokenizer.model's stand in two other files.
  void read_added_beside() {
    const json ids = beside("added_tokens.json");
    for (const auto& [token, id] : ids.items()) {
      if (!id.is_number_unsigned())
        fail(Errc::range, fmt::format("the id of '{}' must be a whole number", escape_controls(token, 40)));
      put_beside(id.get<std::uint64_t>(), token, false);
    }
    const json settings = beside("tokenizer_config.json");
    const json* decoder = member(settings, "added_tokens_decoder");
    if (!decoder) return;
    if (!decoder->is_object()) fail(Errc::corrupt, "added_tokens_decoder must be an object");
    for (const auto& [number, token] : decoder->items()) {
      std::uint64_t id = 0;
      const char* end = number.data() + number.size();
      if (std::from_chars(number.data(), end, id) != std::from_chars_result{end, std::errc()} ||
          !member(token, "content"))
        fail(Errc::corrupt, "added_tokens_decoder must have ids, each with a content");
      put_beside(id, text(token, "content"), flag(token, "special", false));
    }
  }

  // An object; an empty one where there is no such file.
  json beside(const char* name) {
    json_path_ = (fs::path(folder_) / name).string();
    std::error_code error;
    if (!fs::exists(json_path_, error)) return json::object();
    json object = read_json_file(json_path_, kMostTokenizerBytes);
    if (!object.is_object()) fail(Errc::corrupt, "must be an object");
    return object;
  }

  // tokenizer.model says which of its own tokens stand for bytes or nothing, or are no text.
  void put_beside(std::uint64_t id, std::string token, bool special) {
    constexpr TokenType kKept[] = {TokenType::unknown, TokenType::control, TokenType::byte};
    const bool kept = id < own_tokens_ && vocab_.tokens[std::size_t(id)] == token &&
                      std::ranges::find(kKept, vocab_.types[std::size_t(id)], number_of) != std::end(kKept);
    if (!kept) put_added(id, std::move(token), special);
  }

  void put_added(std::uint64_t id, std::string content, bool special) {
    const bool control = (special || looks_special(content)) && !is_shown(content);
    if (!control) content = replace_all(content, kSpaceMark, " ");
    put(id, std::move(content), control ? TokenType::control : TokenType::user_defined);
    if (!vocab_.scores.empty()) {
      vocab_.scores.resize(vocab_.tokens.size());
      vocab_.scores[std::size_t(id)] = kAddedScore;
    }
  }

  // Marks of Gemma 4 that whoever reads its calls and thoughts must see.
  bool is_shown(std::string_view token) const {
    constexpr std::string_view kShown[] = {"<|channel>",   "<channel|>",       "<|tool_call>",
                                           "<tool_call|>", "<|tool_response>", "<tool_response|>",
                                           "<|\"|>"};
    return family_.escapes_spaces && std::ranges::find(kShown, token) != std::end(kShown);
  }

  void read_byte_level(const std::string& pre_tokenizer) {
    if (const json* normalizer = member(json_, "normalizer")) check_normalizer(*normalizer, json_path_);
    read_tokens();
    read_merges();
    read_added();
    vocab_.model = "gpt2";
    if (!pre_tokenizer.empty()) {
      if (!find_pre_type(pre_tokenizer))
        throw Error(Errc::unsupported,
                    fmt::format("pre-tokenizer '{}' is not known", escape_controls(pre_tokenizer, 40)));
      vocab_.pre = pre_tokenizer;
      return;
    }
    const json* cut = member(json_, "pre_tokenizer");
    if (!cut) fail(Errc::unsupported, "pre_tokenizer: texts that are not cut into words are not converted");
    const std::vector<std::string> expressions = cutting_expressions(*cut, json_path_);
    vocab_.pre =
        match_pre_tokenizer(expressions, flag(model(), "ignore_merges", false), family_.pre_tokenizers);
    if (vocab_.pre.empty()) {
      fail(Errc::unsupported,
           fmt::format("pre_tokenizer: cuts words by '{}', as no known pre-tokenizer does",
                       escape_controls(fmt::format("{}", fmt::join(expressions, "' and '")), 250)));
    }
  }

  void mark_bytes() {
    for (std::size_t i = 0; i < vocab_.tokens.size(); ++i) {
      if (is_byte_token(vocab_.tokens[i])) vocab_.types[i] = number_of(TokenType::byte);
    }
  }

  void mark_unknown() {
    const std::string unknown = text(model(), "unk_token");
    const auto at = std::ranges::find(vocab_.tokens, unknown);
    if (!unknown.empty() && at != vocab_.tokens.end())
      vocab_.types[std::size_t(at - vocab_.tokens.begin())] = number_of(TokenType::unknown);
  }

  void read_characters() {
    read_tokens();
    read_merges();
    mark_bytes();
    mark_unknown();
    read_added();
    vocab_.model = "gemma4";
  }

  // SentencePiece merges the pair whose token has the highest score, tokenizer.json the pair that comes first
  // in a list: the scores are the places in that list.
  void read_scored() {
    read_tokens();
    read_merges();
    mark_bytes();
    std::unordered_map<std::string, float> scores;
    for (std::size_t rank = 0; rank < vocab_.merges.size(); ++rank) {
      const std::string& merge = vocab_.merges[rank];
      const std::size_t space = merge.find(' ', 1);
      if (space == std::string::npos)
        fail(Errc::corrupt, "model.merges must be two texts with a space between");
      scores.try_emplace(merge.substr(0, space) + merge.substr(space + 1), -float(rank));
    }
    vocab_.scores.reserve(vocab_.tokens.size());
    for (std::size_t id = 0; id < vocab_.tokens.size(); ++id) {
      const std::string& token = vocab_.tokens[id];
      const auto score = scores.find(token);
      const bool whole = !is_long(token) || vocab_.types[id] == number_of(TokenType::byte);
      vocab_.scores.push_back(score != scores.end() ? score->second : whole ? 0 : unmerged_score(id));
    }
    vocab_.merges.clear();
    mark_unknown();
    read_added();
    vocab_.model = "llama";
    vocab_.pre = "default";
    vocab_.adds_space = prepends_space();
  }

  void read_spm(const std::string& path) {
    const MappedFile file(path);
    const SpmModel spm = parse_spm_model(file.bytes(), path);
    if (!spm.merges_pairs)
      throw Error(Errc::unsupported,
                  fmt::format("{}: a unigram vocabulary is not converted, must merge pairs", path));
    for (const SpmPiece& piece : spm.pieces) {
      put(vocab_.tokens.size(), piece.text, TokenType(piece.type));
      vocab_.scores.push_back(piece.score);
    }
    own_tokens_ = vocab_.tokens.size();
    if (json_.is_null()) {
      read_added_beside();
    } else {
      read_added();
    }
    vocab_.model = "llama";
    vocab_.pre = "default";
    vocab_.adds_space = json_.is_null() ? spm.adds_space : prepends_space();
  }

  // The template for one text.
  void read_around() {
    const json* processor = member(json_, "post_processor");
    if (!processor) return;
    std::vector<const json*> steps = {processor};
    const json* list = member(*processor, "processors");
    if (list && list->is_array()) {
      for (const json& step : *list) steps.push_back(&step);
    }
    for (const json* step : steps) {
      const json* single = member(*step, "single");
      if (text(*step, "type") != "TemplateProcessing" || !single || !single->is_array()) continue;
      for (const json& part : *single) {
        const json* special = member(part, "SpecialToken");
        vocab_.around.push_back(special ? text(*special, "id") : "");
      }
    }
  }

  // A normalizer puts the mark of a space in front, or the pre-tokenizer does.
  bool prepends_space() const {
    const json* normalizer = member(json_, "normalizer");
    const json* cut = member(json_, "pre_tokenizer");
    return (normalizer && prepends(*normalizer)) || (cut && prepends(*cut));
  }
  static bool prepends(const json& step) {
    for (const char* list : {"normalizers", "pretokenizers"}) {
      const json* steps = member(step, list);
      if (steps && steps->is_array() && std::ranges::any_of(*steps, prepends)) return true;
    }
    const std::string type = text(step, "type"), scheme = text(step, "prepend_scheme");
    if (type == "Prepend") return true;
    return type == "Metaspace" && (scheme.empty() ? flag(step, "add_prefix_space", true) : scheme != "never");
  }

  const std::string& folder_;
  const Family& family_;
  std::string json_path_;       // of the JSON file that is read
  json json_;                   // tokenizer.json; null where there is none
  std::size_t own_tokens_ = 0;  // of tokenizer.model
  HubVocab vocab_;
};

}  // namespace

HubVocab read_hub_vocab(const std::string& folder, const Family& family, const std::string& pre_tokenizer) {
  return Reader(folder, family).run(pre_tokenizer);
}

void fit_vocab(HubVocab& vocab, std::size_t count, std::vector<std::string>& notes) {
  if (count > kMostTokens)
    throw Error(Errc::limit,
                fmt::format("the embedding has {} rows, must have at most {}", count, kMostTokens));
  if (vocab.tokens.size() > count) {
    notes.push_back(fmt::format("{} tokens of the tokenizer have no row in the embedding and are left out",
                                vocab.tokens.size() - count));
  }
  vocab.tokens.resize(count);
  vocab.types.resize(count, std::int32_t(TokenType::unused));
  vocab.given.resize(count);
  if (!vocab.scores.empty()) vocab.scores.resize(count, kAddedScore);
  for (std::size_t i = 0; i < count; ++i) {
    if (!vocab.given[i]) vocab.tokens[i] = fmt::format("[PAD{}]", i);
  }
}

}  // namespace longhand
