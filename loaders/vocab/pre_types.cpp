#include "loaders/vocab/pre_types.h"

namespace longhand {
namespace {

// Expressions are those of the models' original tokenizers. %C, %G and %T are pieces many share:
// contractions, the expression of GPT-2, and the usual treatment of white space (see engine/regex_program.h
// for the dialect).
// clang-format off
constexpr SplitPass kLlama3[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kJais2[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S))r"
     R"r(|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S))r"
     R"r(|\s{1,2}(?!\S)|\s{1})r"},
};
constexpr SplitPass kDeepseekLlm[] = {
    {R"r([\r\n])r"},
    {R"r(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})r"
     R"r(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C})r"
     R"r(\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5})r"
     R"r(\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B})r"
     R"r(\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45})r"
     R"r(\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4})r"
     R"r(\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB})r"
     R"r(\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115})r"
     R"r(\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F})r"
     R"r(\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2})r"
     R"r(\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E})r"
     R"r(\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})r"
     R"r(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})r"
     R"r(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+)r"},
    {R"r(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)r"},
    {R"r(\s+$)r"},
    {R"r([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)r"},
    {R"r(\p{N}+)r"},
};
constexpr SplitPass kDeepseekV3[] = {
    {R"r(\p{N}{1,3})r"},
    {R"r([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)r"},
    {R"r([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)r"
     R"r(| ?[\p{P}\p{S}]+[\r\n]*%T)r"},
};
constexpr SplitPass kYoutu[] = {
    {R"r([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)r"
     R"r(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F})r"
     R"r(\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)r"},
    {R"r([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%C?)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%C?|\p{N})r"
     R"r(| ?[^\s\p{L}\p{N}]+[\r\n/]*%T)r"},
};
constexpr SplitPass kDeepseekCoder[] = {
    {R"r([\r\n])r"},
    {R"r(\s?\p{L}+)r"},
    {R"r(\s?\p{P}+)r"},
    {R"r([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)r"},
    {R"r(\p{N})r"},
};
constexpr SplitPass kFalcon[] = {
    {R"r([\p{P}\$\+<=>\^~\|`]+)r"},
    {R"r(%G)r"},
    {R"r([0-9][0-9][0-9])r"},
};
constexpr SplitPass kStarcoder[] = {
    {R"r(\p{N})r"},
    {R"r(%G)r"},
};
constexpr SplitPass kGpt2[] = {
    {R"r(%G)r"},
};
constexpr SplitPass kQwen2[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kQwen35[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kBloom[] = {
    {R"r( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)r"},
};
constexpr SplitPass kViking[] = {
    {R"r( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)r"},
    {R"r(\p{N})r"},
};
constexpr SplitPass kTekken[] = {
    {R"r([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N})r"
     R"r(| ?[^\s\p{L}\p{N}]+[\r\n/]*%T)r"},
};
constexpr SplitPass kChameleon[] = {
    {R"r(<sentinel:[0-9]+>)r"},
    {R"r((IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z)r"},
    {R"r(([\t\n]|    |  ))r"},
    {R"r(\p{N})r"},
    {R"r([\p{P}!-/:-@\[-`{-~])r"},
    {R"r(%G)r"},
};
constexpr SplitPass kGpt4o[] = {
    {R"r([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%C?)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%C?|\p{N}{1,3})r"
     R"r(| ?[^\s\p{L}\p{N}]+[\r\n/]*%T)r"},
};
constexpr SplitPass kTinyAya[] = {
    {{}, SplitPass::Kind::digit_groups_of_word},
    {R"r([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%C?)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%C?|\p{N}{1,3})r"
     R"r(| ?[^\s\p{L}\p{N}]+[\r\n/]*%T)r"},
};
constexpr SplitPass kKimi[] = {
    {R"r(\p{Han}+)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])r"
     R"r(+%C?)r"
     R"r(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])r"
     R"r(*%C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kSuperbpe[] = {
    {R"r(\p{N}+)r"},
    {{}, SplitPass::Kind::digit_cuts},
};
constexpr SplitPass kBailing[] = {
    {R"r('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)r"
     R"r(|\s*[\r\n]|\s+(?!\S)|\s+)r"},
};
constexpr SplitPass kSeedCoder[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+%T)r"},
};
constexpr SplitPass kAfmoe[] = {
    {{}, SplitPass::Kind::digit_groups},
    {R"r([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{F900}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF})r"
     R"r(\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F})r"
     R"r(\x{AA60}-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)r"},
    {R"r([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)r"
     R"r(| ?[\p{P}\p{S}]+[\r\n]*%T)r"},
};
constexpr SplitPass kLaguna[] = {
    {R"r([^\n]+|[\n]+)r"},
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kExaoneMoe[] = {
    {R"r(%C|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n])r"
     R"r(|\s+(?!\S)|\s+)r"},
};
constexpr SplitPass kLines[] = {
    {R"r([^\n]+|[\n]+)r"},
};
constexpr SplitPass kMinicpm5[] = {
    {R"r(\p{N}{1,3})r"},
    {R"r(%C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*%T)r"},
};
constexpr SplitPass kWhitespace[] = {
    {R"r(\S+)r"},
};
constexpr SplitPass kDefault[] = {
    {R"r([\p{P}\$\+<=>\^~\|]+)r"},
    {R"r(%G)r"},
    {R"r(\p{N}+)r"},
    {R"r([0-9][0-9][0-9])r"},
};

constexpr PreType kPreTypes[] = {
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", kIgnoreMerges | kAddBos, kLlama3},
    {"dbrx smaug-bpe", 0, kLlama3},
    {"glm4 chatglm-bpe", kNoBos, kLlama3},
    {"jais-2", 0, kJais2},
    {"deepseek-llm", kKeepSpaces, kDeepseekLlm},
    {"deepseek-v3 hunyuan-dense joyai-llm", kKeepSpaces, kDeepseekV3},
    {"youtu", kIgnoreMerges | kKeepSpaces, kYoutu},
    {"deepseek-coder", kKeepSpaces, kDeepseekCoder},
    {"falcon", 0, kFalcon},
    {"starcoder refact codeshell exaone minerva-7b mellum2", 0, kStarcoder},
    {"command-r smollm", kKeepSpaces, kStarcoder},
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum "
     "modern-bert exaone4 mpt olmo jais", 0, kGpt2},
    {"jina-v1-en jina-v2-code roberta-bpe", kAddSep, kGpt2},
    {"trillion granite-docling", kKeepSpaces, kGpt2},
    {"stablelm2 megrez", 0, kQwen2},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 hunyuan solar-open grok-2", kKeepSpaces, kQwen2},
    {"qwen35", kKeepSpaces, kQwen35},
    {"poro-chat", kKeepSpaces, kBloom},
    {"bloom gpt3-finnish", 0, kBloom},
    {"viking", kKeepSpaces, kViking},
    {"tekken", kIgnoreMerges | kAddBos | kKeepSpaces, kTekken},
    {"chameleon", kAddBos | kKeepSpaces, kChameleon},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", kKeepSpaces, kGpt4o},
    {"granite-embed-multi-97m", kIgnoreMerges | kKeepSpaces, kGpt4o},
    {"tiny_aya cohere2moe", kKeepSpaces, kTinyAya},
    {"kimi-k2", kKeepSpaces, kKimi},
    {"superbpe", kKeepSpaces, kSuperbpe},
    {"bailingmoe bailingmoe2 llada-moe", kKeepSpaces, kBailing},
    {"seed-coder", kKeepSpaces, kSeedCoder},
    {"afmoe", kKeepSpaces, kAfmoe},
    {"laguna", kKeepSpaces, kLaguna},
    {"exaone-moe", 0, kExaoneMoe},
    {"gemma4 granite-embed-multi-311m", kEscapeSpaces | kRawUtf8, kLines},
    {"sarvam-moe", kKeepSpaces | kEscapeSpaces | kRawUtf8, kLines},
    {"minicpm5", kIgnoreMerges, kMinicpm5},
    {"whitespace", kRawUtf8, kWhitespace},
    {"default", 0, kDefault},
};
// clang-format on

bool has_word(std::string_view words, std::string_view word) noexcept {
  for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

}  // namespace

const PreType* find_pre_type(std::string_view name) noexcept {
  if (name.empty() || name.find(' ') != std::string_view::npos) return nullptr;
  for (const PreType& type : kPreTypes) {
    if (has_word(type.names, name)) return &type;
  }
  return nullptr;
}

std::span<const PreType> pre_types() noexcept { return kPreTypes; }

}  // namespace longhand
