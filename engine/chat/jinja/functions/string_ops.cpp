#include "engine/chat/jinja/functions/string_ops.h"

#include <algorithm>
#include <string>

#include "engine/chat/jinja/functions/unicode_case.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {

Value part(Heap& heap, const Value& text, std::size_t begin, std::size_t end) {
  if (begin == 0 && end == text.view().size()) return text;
  return heap.string(text.text().slice(begin, end), text.string().markup);
}

Value strip(Heap& heap, const Value& text, Side side, const std::string_view* chars) {
  const std::string_view s = text.view();
  const auto removable = [&](std::size_t at, std::size_t size) {
    heap.read(size + (chars == nullptr ? 0 : chars->size()));
    if (chars == nullptr) return is_space(char_at(s, at));
    for (std::size_t i = 0; i < chars->size(); i += char_length(*chars, i)) {
      if (chars->substr(i, char_length(*chars, i)) == s.substr(at, size)) return true;
    }
    return false;
  };
  std::size_t begin = 0, end = s.size();
  while (side != Side::right && begin < end && removable(begin, char_length(s, begin)))
    begin += char_length(s, begin);
  while (side != Side::left && end > begin) {
    const std::size_t at = char_before(s, end);
    if (!removable(at, end - at)) break;
    end = at;
  }
  return part(heap, text, begin, end);
}

namespace {

void append_case(std::u32string& out, char32_t c, Case to, bool word_start) {
  switch (to) {
    case Case::lower:
      out.push_back(to_lower(c));
      break;
    case Case::upper:
      append_upper(out, c);
      break;
    case Case::swap:
      if (to_lower(c) != c) {
        out.push_back(to_lower(c));
      } else {
        append_upper(out, c);
      }
      break;
    case Case::title:
    case Case::capitalize:
      out.push_back(word_start ? to_upper(c) : to_lower(c));
      break;
  }
}

constexpr char32_t kSigma = 0x3A3;

// Whether a sigma at `at` is the last letter of a word, where it is written in another way.
bool is_final_sigma(Heap& heap, std::string_view text, std::size_t at) {
  const auto looked_at = [&](std::size_t i) {
    heap.read(char_length(text, i));
    return char_at(text, i);
  };
  std::size_t before = at;
  do {
    if (before == 0) return false;
    before = char_before(text, before);
  } while (is_case_ignorable(looked_at(before)));
  if (!is_cased(char_at(text, before))) return false;
  std::size_t behind = at + char_length(text, at);
  while (behind < text.size() && is_case_ignorable(looked_at(behind))) behind += char_length(text, behind);
  return behind >= text.size() || !is_cased(char_at(text, behind));
}

// Maps `text` character by character; starts(c) tells whether the character after c begins a word.
template <class Starts>
Value map_characters(Heap& heap, const Value& text, Case to, Starts&& starts) {
  heap.read(text.view().size());
  Builder out(heap);
  bool word_start = true;
  std::size_t run_at = 0;
  std::string bytes;
  std::u32string mapped;
  text.text().each_run([&](std::string_view run, bool trusted) {
    bytes.clear();
    for (std::size_t at = 0; at < run.size(); at += char_length(run, at)) {
      const char32_t c = char_at(run, at);
      mapped.clear();
      append_case(mapped, c, to, word_start);
      const bool lowered = c == kSigma && mapped.size() == 1 && mapped[0] != kSigma;
      if (lowered && is_final_sigma(heap, text.view(), run_at + at)) mapped[0] = U'\u03C2';
      for (const char32_t m : mapped) append_char(bytes, m);
      word_start = starts(c);
    }
    out.append(bytes, trusted);
    run_at += run.size();
  });
  return out.take(text.string().markup);
}

}  // namespace

Value change_case(Heap& heap, const Value& text, Case to) {
  if (to == Case::title) return map_characters(heap, text, to, [](char32_t c) { return !is_cased(c); });
  return map_characters(heap, text, to, [](char32_t) { return false; });
}

Value title_words(Heap& heap, const Value& text) {
  return map_characters(heap, text, Case::title, [](char32_t c) {
    return is_space(c) || c == U'-' || c == U'(' || c == U'{' || c == U'[' || c == U'<';
  });
}

Value replace(Heap& heap, const Value& text, const Text& from, const Text& to, std::int64_t count) {
  const std::string_view s = text.view();
  Builder out(heap);
  std::size_t at = 0;
  const auto may = [&] { return count < 0 || count-- > 0; };
  if (from.empty()) {
    while (at < s.size() && may()) {
      const std::size_t end = at + char_length(s, at);
      out.append(to);
      out.append(text.text(), at, end);
      at = end;
    }
    if (at == s.size() && may()) out.append(to);
  } else {
    Search occurrences(heap, s, from.view());
    for (std::size_t hit = occurrences.find(); hit != std::string_view::npos && may();
         hit = occurrences.find(at)) {
      out.append(text.text(), at, hit);
      out.append(to);
      at = hit + from.size();
    }
    if (at == 0) return text;
  }
  out.append(text.text(), at, s.size());
  return out.take(text.string().markup);
}

namespace {

std::vector<Value> split_words(Heap& heap, const Value& text, std::int64_t limit) {
  heap.read(text.view().size());
  std::vector<Value> parts;
  const std::string_view s = text.view();
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < s.size() && is_space(char_at(s, at))) at += char_length(s, at);
  };
  for (skip_space(); at < s.size(); skip_space()) {
    if (limit >= 0 && std::int64_t(parts.size()) == limit) {
      const Value rest = part(heap, text, at, s.size());
      parts.push_back(rest);  // with the white space inside and behind it
      break;
    }
    const std::size_t begin = at;
    while (at < s.size() && !is_space(char_at(s, at))) at += char_length(s, at);
    parts.push_back(part(heap, text, begin, at));
  }
  return parts;
}

std::vector<Value> split_words_right(Heap& heap, const Value& text, std::int64_t limit) {
  heap.read(text.view().size());
  std::vector<Value> parts;
  const std::string_view s = text.view();
  std::size_t end = s.size();
  const auto skip_space = [&] {
    while (end > 0 && is_space(char_at(s, char_before(s, end)))) end = char_before(s, end);
  };
  for (skip_space(); end > 0; skip_space()) {
    if (limit >= 0 && std::int64_t(parts.size()) == limit) {
      parts.push_back(part(heap, text, 0, end));
      break;
    }
    std::size_t begin = end;
    while (begin > 0 && !is_space(char_at(s, char_before(s, begin)))) begin = char_before(s, begin);
    parts.push_back(part(heap, text, begin, end));
    end = begin;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

std::vector<Value> split(Heap& heap, const Value& text, const std::string_view* separator,
                         std::int64_t limit) {
  const std::string_view s = text.view();
  if (separator == nullptr) return split_words(heap, text, limit);
  if (separator->empty()) fail("empty separator");
  Search separators(heap, s, *separator);
  std::vector<Value> parts;
  std::size_t at = 0;
  while (limit < 0 || std::int64_t(parts.size()) < limit) {
    const std::size_t hit = separators.find(at);
    if (hit == std::string_view::npos) break;
    parts.push_back(part(heap, text, at, hit));
    at = hit + separator->size();
  }
  parts.push_back(part(heap, text, at, s.size()));
  return parts;
}

std::vector<Value> split_right(Heap& heap, const Value& text, const std::string_view* separator,
                               std::int64_t limit) {
  const std::string_view s = text.view();
  if (separator == nullptr) return split_words_right(heap, text, limit);
  if (separator->empty()) fail("empty separator");
  BackwardSearch separators(heap, s, *separator);
  std::vector<Value> parts;
  std::size_t end = s.size();
  while (limit < 0 || std::int64_t(parts.size()) < limit) {
    const std::size_t hit = separators.find(end);
    if (hit == std::string_view::npos) break;
    parts.push_back(part(heap, text, hit + separator->size(), end));
    end = hit;
  }
  parts.push_back(part(heap, text, 0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> split_lines(Heap& heap, const Value& text, bool keep_ends) {
  const std::string_view s = text.view();
  heap.read(s.size());
  const auto ends_line = [](char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  std::vector<Value> lines;
  std::size_t begin = 0;
  while (begin < s.size()) {
    std::size_t end = begin;
    while (end < s.size() && !ends_line(char_at(s, end))) end += char_length(s, end);
    std::size_t next = end < s.size() ? end + char_length(s, end) : end;
    if (end < s.size() && s[end] == '\r' && next < s.size() && s[next] == '\n') ++next;
    lines.push_back(part(heap, text, begin, keep_ends ? next : end));
    begin = next;
  }
  return lines;
}

Value pad(Heap& heap, const Value& text, std::int64_t width, const Text& fill, Side side) {
  const auto size = std::int64_t(char_count(heap, text.view()));
  if (width <= size) return text;
  const std::int64_t missing = width - size;
  // Python puts the odd character of a centred text on the left when the width is odd.
  const std::int64_t left = side == Side::left    ? missing
                            : side == Side::right ? 0
                                                  : missing / 2 + (missing & width & 1);
  heap.charge(std::uint64_t(missing));  // refuses a giant width before the loops
  Builder out(heap);
  for (std::int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(text.text());
  for (std::int64_t i = left; i < missing; ++i) out.append(fill);
  return out.take(text.string().markup);
}

Value indent(Heap& heap, const Value& text, const Indent& how) {
  const std::string_view s = text.view();
  std::vector<Value> lines = split_lines(heap, text, false);
  const Value last = lines.empty() ? heap.string("") : lines.back();
  // split_lines() gives no empty line behind a final line end, the filter does.
  if (s.empty() || !s.ends_with(last.view()) || last.view().empty()) lines.push_back(heap.string(""));
  Builder out(heap);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n", text.text().all_trusted());
    if (i == 0 ? how.first : how.blank || !lines[i].view().empty()) out.append(how.prefix);
    out.append(lines[i].text());
  }
  return out.take(text.string().markup);
}

}  // namespace longhand::jinja
