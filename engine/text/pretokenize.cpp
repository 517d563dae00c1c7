#include "engine/text/pretokenize.h"

namespace longhand {
namespace {

struct DigitRun {
  std::size_t begin, end;  // bytes
  std::size_t count = 0;   // characters
  bool ends_word = true;
};

// The first run of decimal digits at or after `from`; empty at the end of the text if there is none.
DigitRun next_digit_run(std::string_view text, std::size_t from) {
  constexpr CategoryMask kWordCharacter =
      category_mask("L") | category_mask("M") | category_mask("Nd") | category_mask("Pc");
  DigitRun run{from, from};
  for (std::size_t at = from; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    at += c.length;
    if (is_category(c.code, category_bit(Category::Nd))) {
      run.end = at;
      ++run.count;
    } else if (run.count != 0) {
      run.ends_word = !is_category(c.code, kWordCharacter);
      return run;
    } else {
      run.begin = run.end = at;
    }
  }
  return run;
}

}  // namespace

PreTokenizer::PreTokenizer(std::span<const SplitPass> passes) {
  for (const SplitPass& pass : passes) passes_.push_back({pass.kind, Regex(pass.regex)});
}

void PreTokenizer::for_each_digit_cut(SplitPass::Kind kind, std::string_view text,
                                      const std::function<void(std::size_t)>& cut) {
  const bool isolated = kind != SplitPass::Kind::digit_cuts;
  for (std::size_t from = 0; from < text.size();) {
    const DigitRun run = next_digit_run(text, from);
    from = run.end;
    if (run.count == 0 || (kind == SplitPass::Kind::digit_groups_of_word && !run.ends_word)) continue;
    if (isolated) cut(run.begin);
    std::size_t left = run.count;
    for (std::size_t at = run.begin; at < run.end; at += decode_utf8(text, at).length, --left) {
      if (left % 3 == 0) cut(at);
    }
    if (isolated) cut(run.end);
  }
}

}  // namespace longhand
