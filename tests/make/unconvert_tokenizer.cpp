#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/text/unicode.h"
#include "loaders/vocab/pre_types.h"
#include "loaders/vocab/vocab.h"
#include "tests/make/unconvert.h"

namespace longhand::test {
namespace {

using nlohmann::json;

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// As tokenizer.json writes it: no shorthands, and characters themselves.
std::string spelled_out(std::string_view regex) {
  std::string text(regex);
  replace_all(text, "%C", "(?i:'s|'t|'re|'ve|'m|'ll|'d)");
  replace_all(text, "%T", R"(|\s*[\r\n]+|\s+(?!\S)|\s+)");
  replace_all(text, "%G", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
  for (std::size_t at = text.find("\\x{"); at != std::string::npos; at = text.find("\\x{", at)) {
    const std::size_t end = text.find('}', at);
    std::string character;
    append_utf8(character, char32_t(std::stoul(text.substr(at + 3, end - at - 3), nullptr, 16)));
    text.replace(at, end - at + 1, character);
  }
  return text;
}

json cuts_of(const PreType& type) {
  json steps = json::array();
  for (const SplitPass& pass : type.passes) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", spelled_out(pass.regex)}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  steps.push_back(
      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

// Every pair of tokens that makes a token, the ones of higher scores first.
json merges_by_score(const Vocab& vocab) {
  std::unordered_map<std::string_view, bool> known;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i)
    known[vocab.tokens[i]] = vocab.types[i] == TokenType::normal;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (vocab.types[i] == TokenType::normal) order.push_back(i);
  }
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return vocab.scores[a] > vocab.scores[b]; });
  json merges = json::array();
  const auto is_known = [&](std::string_view part) {
    const auto found = known.find(part);
    return found != known.end() && found->second;
  };
  for (const std::size_t i : order) {
    const std::string_view text = vocab.tokens[i];
    for (std::size_t at = 1; at < text.size(); ++at) {
      const bool boundary = (std::uint8_t(text[at]) & 0xC0) != 0x80;
      if (boundary && is_known(text.substr(0, at)) && is_known(text.substr(at)))
        merges.push_back({text.substr(0, at), text.substr(at)});
    }
  }
  return merges;
}

std::string text_of(const Vocab& vocab, Token token) {
  return token == kNoToken ? "" : std::string(vocab.tokens[std::size_t(token)]);
}

}  // namespace

json tokenizer_of(const Gguf& file) {
  const Vocab vocab = load_vocab(file);
  json model = {{"type", "BPE"}, {"byte_fallback", false}}, added = json::array();
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const TokenType type = vocab.types[i];
    if (type == TokenType::unused) continue;
    const std::string text(vocab.tokens[i]);
    if (type == TokenType::control || type == TokenType::user_defined) {
      added.push_back(
          {{"id", i}, {"content", text}, {"special", type == TokenType::control}, {"normalized", false}});
    } else {
      model["vocab"][text] = i;
      if (type == TokenType::unknown) model["unk_token"] = text;
    }
  }
  json whole = {{"version", "1.0"}, {"added_tokens", added}};
  if (vocab.kind == VocabKind::bpe) {
    const PreType& pre = *find_pre_type(vocab.pre);
    for (const std::string_view merge : vocab.merges) model["merges"].push_back(std::string(merge));
    model["ignore_merges"] = (pre.flags & kIgnoreMerges) != 0;
    whole["pre_tokenizer"] = cuts_of(pre);
  } else {
    model["byte_fallback"] = true;
    if (vocab.kind == VocabKind::spm) {
      model["merges"] = merges_by_score(vocab);
    } else {
      for (const std::string_view merge : vocab.merges) {
        const std::size_t space = merge.find(' ', 1);
        model["merges"].push_back({merge.substr(0, space), merge.substr(space + 1)});
      }
    }
    json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xE2\x96\x81"}};
    json steps = json::array({replace});
    if (vocab.add_space_prefix)
      steps.insert(steps.begin(), json{{"type", "Prepend"}, {"prepend", "\xE2\x96\x81"}});
    whole["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  }
  whole["model"] = model;
  return whole;
}

json tokenizer_config_of(const Gguf& file) {
  const Vocab vocab = load_vocab(file);
  json config = {{"add_bos_token", vocab.add_bos}, {"add_eos_token", vocab.add_eos}};
  const std::pair<const char*, Token> specials[] = {
      {"bos_token", vocab.bos}, {"eos_token", vocab.eos}, {"unk_token", vocab.unk}, {"pad_token", vocab.pad}};
  for (const auto& [name, token] : specials) {
    if (token != kNoToken) config[name] = text_of(vocab, token);
  }
  return config;
}

}  // namespace longhand::test
