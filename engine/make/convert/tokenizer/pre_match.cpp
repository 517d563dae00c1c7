#include "engine/make/convert/tokenizer/pre_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/make/convert/tokenizer/replace_all.h"
#include "engine/text/unicode.h"
#include "loaders/vocab/pre_types.h"
#include "ops/error.h"

namespace longhand {
namespace {

using nlohmann::json;

// The name that files have for each way to cut; of several with one way, the one that is tried first.
constexpr std::string_view kUsualNames[] = {"llama-bpe", "dbrx",     "qwen2",       "qwen35",
                                            "tekken",    "gpt-4o",   "deepseek-v3", "deepseek-coder",
                                            "gpt-2",     "starcoder"};

std::string with_codes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    if (c.code < 0x80) {
      out += text[at];
    } else {
      out += fmt::format("\\x{{{:X}}}", std::uint32_t(c.code));
    }
    at += c.length;
  }
  return out;
}

// One spelling of what tokenizers and the table of pre-tokenizers write in several ways.
std::string canonical(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
      {"(?i:'s|'t|'re|'ve|'m|'ll|'d)", "%C"},
      {"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", "%C"},
      {"(?i:[sdmt]|ll|ve|re)", "(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])"},
      {"%G", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"},
      {"%T", R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
      // What never gives back is only faster.
      {"?+", "?"},
      {"++", "+"}};
  text = with_codes(text);
  for (const auto& [from, to] : kSpellings) text = replace_all(text, from, to);
  // At the end of GPT-2's expression a last piece takes the white space that nothing else did; so does a cut.
  constexpr std::string_view kLast = R"(|\s+(?!\S)|\s+)";
  if (text.starts_with("'s|") && text.ends_with(kLast)) text.resize(text.size() - 4);
  return text;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}
bool flag_of(const json& object, const char* key, bool otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

void collect(const json& step, const std::string& where, int depth, std::vector<std::string>& out) {
  constexpr int kMostDepth = 8;
  const std::string type = step.is_object() ? text_of(step, "type") : "";
  const auto refuse = [&] {
    throw Error(Errc::unsupported,
                fmt::format("{}: pre_tokenizer: '{}' is not converted", where, escape_controls(type, 40)));
  };
  if (type == "Sequence" && depth < kMostDepth && step.contains("pretokenizers") &&
      step["pretokenizers"].is_array()) {
    for (const json& inner : step["pretokenizers"]) collect(inner, where, depth + 1, out);
  } else if (type == "Split") {
    // Whether matches or what lies between them are called pieces: both are.
    const auto pattern = step.find("pattern");
    if (pattern == step.end() || !pattern->is_object() || !pattern->contains("Regex")) refuse();
    out.push_back(canonical(text_of(*pattern, "Regex")));
  } else if (type == "Digits") {
    out.emplace_back(flag_of(step, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "ByteLevel") {
    if (flag_of(step, "add_prefix_space", false)) {
      throw Error(Errc::unsupported,
                  fmt::format("{}: pre_tokenizer: ByteLevel with add_prefix_space is not converted", where));
    }
    if (flag_of(step, "use_regex", true)) out.push_back(canonical("%G"));
  } else {
    refuse();
  }
}

std::vector<std::string> expressions_of(const PreType& type) {
  std::vector<std::string> expressions;
  for (const SplitPass& pass : type.passes) {
    const bool regex = pass.kind == SplitPass::Kind::regex;
    expressions.push_back(regex ? canonical(std::string(pass.regex))
                                : fmt::format("digits {}", int(pass.kind)));
  }
  return expressions;
}

// The files of one type cut digits into single ones at last, where its readers keep them in runs.
constexpr std::string_view kRunsForDigits = "deepseek-llm";

bool cuts_alike(const PreType& type, std::vector<std::string> expressions) {
  const bool runs = type.names.substr(0, type.names.find(' ')) == kRunsForDigits;
  if (runs && !expressions.empty() && expressions.back() == R"(\p{N})") expressions.back() += '+';
  return expressions_of(type) == expressions;
}

// NFC is left out: texts are hardly ever written in another form.
void check_step(const json& normalizer, const std::string& where) {
  const std::string type = normalizer.is_object() ? text_of(normalizer, "type") : "";
  if (type == "NFC") return;
  throw Error(Errc::unsupported, fmt::format("{}: normalizer '{}' is not converted, must be NFC or absent",
                                             where, escape_controls(type, 40)));
}

}  // namespace

void check_normalizer(const json& normalizer, const std::string& where) {
  const std::string type = normalizer.is_object() ? text_of(normalizer, "type") : "";
  const auto steps = normalizer.find("normalizers");
  if (type == "Sequence" && steps != normalizer.end() && steps->is_array()) {
    for (const json& step : *steps) check_step(step, where);
  } else {
    check_step(normalizer, where);
  }
}

std::vector<std::string> cutting_expressions(const json& pre_tokenizer, const std::string& where) {
  std::vector<std::string> expressions;
  collect(pre_tokenizer, where, 0, expressions);
  return expressions;
}

std::string match_pre_tokenizer(const std::vector<std::string>& expressions, bool ignores_merges,
                                std::span<const std::string_view> preferred) {
  std::vector<std::string_view> names(preferred.begin(), preferred.end());
  names.insert(names.end(), std::begin(kUsualNames), std::end(kUsualNames));
  for (const PreType& type : pre_types()) names.push_back(type.names.substr(0, type.names.find(' ')));
  std::string_view second;  // cuts alike, and treats whole words otherwise
  for (const std::string_view name : names) {
    const PreType* type = find_pre_type(name);
    if (!type || (type->flags & kRawUtf8) != 0 || !cuts_alike(*type, expressions)) continue;
    if (((type->flags & kIgnoreMerges) != 0) == ignores_merges) return std::string(name);
    if (second.empty()) second = name;
  }
  return std::string(second);
}

}  // namespace longhand
