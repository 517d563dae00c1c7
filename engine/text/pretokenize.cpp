#include "engine/text/pretokenize.h"

namespace longhand {
namespace {

struct DigitRow {
  std::size_t begin, end;  // bytes
  std::size_t count = 0;   // characters
  bool ends_word = true;
};

// The first row of decimal digits at or after `from`; empty at the end of the text if there is none.
DigitRow next_digit_row(std::string_view text, std::size_t from) {
  constexpr CategoryMask kWordCharacter =
      category_mask("L") | category_mask("M") | category_mask("Nd") | category_mask("Pc");
  DigitRow row{from, from};
  for (std::size_t at = from; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    at += c.length;
    if (is_category(c.code, category_bit(Category::Nd))) {
      row.end = at;
      ++row.count;
    } else if (row.count != 0) {
      row.ends_word = !is_category(c.code, kWordCharacter);
      return row;
    } else {
      row.begin = row.end = at;
    }
  }
  return row;
}

}  // namespace

PreTokenizer::PreTokenizer(std::span<const SplitPass> passes) {
  for (const SplitPass& pass : passes) passes_.push_back({pass.kind, Regex(pass.regex)});
}

void PreTokenizer::for_each_digit_cut(SplitPass::Kind kind, std::string_view text,
                                      const std::function<void(std::size_t)>& cut) {
  const bool isolated = kind != SplitPass::Kind::digit_cuts;
  for (std::size_t from = 0; from < text.size();) {
    const DigitRow row = next_digit_row(text, from);
    from = row.end;
    if (row.count == 0 || (kind == SplitPass::Kind::digit_groups_of_word && !row.ends_word)) continue;
    if (isolated) cut(row.begin);
    std::size_t left = row.count;
    for (std::size_t at = row.begin; at < row.end; at += decode_utf8(text, at).length, --left) {
      if (left % 3 == 0) cut(at);
    }
    if (isolated) cut(row.end);
  }
}

}  // namespace longhand
