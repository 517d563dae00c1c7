#include "cli/terminal/markdown.h"

#include <fmt/format.h>
#include <md4c.h>

#include <algorithm>
#include <utility>

#include "cli/terminal/wrap.h"

namespace longhand::cli {
namespace {

constexpr int kNarrowest = 10;  // columns that are left to text, however deep it stands

struct List {
  bool ordered;
  unsigned next;  // number of the next item
};

class Renderer {
 public:
  Renderer(int width, bool styled) : width_(width), styled_(styled) {}

  void enter(MD_BLOCKTYPE type, void* detail);
  void leave(MD_BLOCKTYPE type);
  void span(MD_SPANTYPE type, bool begins);
  void text(MD_TEXTTYPE type, std::string_view text);
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  using Cells = std::vector<Cell>;

  // What stands before each line of the block at hand.
  Cells margin() const {
    Cells out;
    for (const Cells& part : margins_) out.insert(out.end(), part.begin(), part.end());
    return out;
  }
  void indent(std::string_view text, std::uint8_t style) {
    margins_.emplace_back();
    add_cells(margins_.back(), text, style);
  }
  void begin_block() {
    if (!line_.empty()) flush();  // an item's mark alone waits for its text
    if (!gap_) return;
    lines_.push_back(show_cells(margin(), styled_));
    while (lines_.back().ends_with(' ')) lines_.back().pop_back();
    gap_ = false;
  }
  void begin_item() {
    flush();
    if (lists_.empty()) return;
    List& list = lists_.back();
    const std::string mark = list.ordered ? fmt::format("{}. ", list.next++) : "- ";
    add_cells(mark_, mark, kPlain);
    indent(std::string(mark.size(), ' '), kPlain);
  }
  void line(const Cells& cells) {
    Cells all = margin();
    if (!mark_.empty()) {  // in place of the last margin, once
      all.resize(all.size() - std::min(all.size(), mark_.size()));
      all.insert(all.end(), mark_.begin(), mark_.end());
      mark_.clear();
    }
    all.insert(all.end(), cells.begin(), cells.end());
    lines_.push_back(show_cells(all, styled_));
  }
  void flush() {
    if (line_.empty() && mark_.empty()) return;
    const int room = std::max(kNarrowest, width_ - width_of(margin()));
    for (const Cells& part : wrap(line_, room, in_code_)) line(part);
    line_.clear();
  }
  void add(std::string_view text) {
    Cells& to = in_cell_ ? rows_.back().back() : line_;
    add_cells(to, text, in_code_ ? std::uint8_t(kCode) : style_);
  }
  void code(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      add(text.substr(at, end - at));
      if (end == text.size()) return;
      if (line_.empty()) add_cells(line_, " ", kPlain);  // an empty line is one too
      flush();
      at = end + 1;
    }
  }
  void table();
  void toggle(Style style, bool on) { style_ = std::uint8_t(on ? style_ | style : style_ & ~style); }

  int width_;
  bool styled_;
  std::vector<std::string> lines_;
  Cells line_, mark_;
  std::vector<Cells> margins_;
  std::vector<List> lists_;
  std::vector<std::vector<Cells>> rows_;  // of a table
  std::uint8_t style_ = kPlain;
  bool in_code_ = false, in_cell_ = false;
  bool gap_ = false;  // an empty line goes before the next block
};

void Renderer::enter(MD_BLOCKTYPE type, void* detail) {
  switch (type) {
    case MD_BLOCK_QUOTE:
      begin_block();
      return indent("| ", kDim);
    case MD_BLOCK_UL:
      if (lists_.empty()) begin_block();
      return lists_.push_back({false, 0});
    case MD_BLOCK_OL:
      if (lists_.empty()) begin_block();
      return lists_.push_back({true, reinterpret_cast<MD_BLOCK_OL_DETAIL*>(detail)->start});
    case MD_BLOCK_LI:
      gap_ = false;
      return begin_item();
    case MD_BLOCK_HR:
      begin_block();
      add_cells(line_, std::string(std::size_t(std::min(width_, 40)), '-'), kDim);
      return;
    case MD_BLOCK_H:
      begin_block();
      return toggle(kBold, true);
    case MD_BLOCK_CODE:
      begin_block();
      in_code_ = true;
      return indent("  ", kPlain);
    case MD_BLOCK_TABLE:
      begin_block();
      return rows_.clear();
    case MD_BLOCK_TR:
      rows_.emplace_back();
      return;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
      rows_.back().emplace_back();
      in_cell_ = true;
      return;
    case MD_BLOCK_P:
      return begin_block();
    default:
      return;
  }
}

void Renderer::leave(MD_BLOCKTYPE type) {
  if (type == MD_BLOCK_TH || type == MD_BLOCK_TD) in_cell_ = false;
  if (type == MD_BLOCK_TABLE) table();
  flush();
  if (type == MD_BLOCK_H) toggle(kBold, false);
  const bool has_margin = type == MD_BLOCK_QUOTE || type == MD_BLOCK_LI || type == MD_BLOCK_CODE;
  if (has_margin && !margins_.empty()) margins_.pop_back();
  if (type == MD_BLOCK_CODE) in_code_ = false;
  const bool is_list = type == MD_BLOCK_UL || type == MD_BLOCK_OL;
  if (is_list) lists_.pop_back();
  if (type == MD_BLOCK_P || type == MD_BLOCK_H || type == MD_BLOCK_CODE || type == MD_BLOCK_QUOTE ||
      type == MD_BLOCK_TABLE || type == MD_BLOCK_HR || (is_list && lists_.empty()))
    gap_ = true;
}

void Renderer::span(MD_SPANTYPE type, bool begins) {
  constexpr std::pair<MD_SPANTYPE, Style> kStyles[] = {{MD_SPAN_STRONG, kBold},  {MD_SPAN_EM, kItalic},
                                                       {MD_SPAN_CODE, kCode},    {MD_SPAN_DEL, kStruck},
                                                       {MD_SPAN_A, kUnderlined}, {MD_SPAN_U, kUnderlined}};
  for (const auto& [span, style] : kStyles) {
    if (span == type) toggle(style, begins);
  }
}

void Renderer::text(MD_TEXTTYPE type, std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "}, {"&#39;", "'"}};
  if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) return in_cell_ ? add(" ") : flush();
  if (in_code_) return code(text);
  if (type == MD_TEXT_ENTITY) {
    for (const auto& [entity, meant] : kEntities) {
      if (entity == text) return add(meant);
    }
  }
  if (type == MD_TEXT_NULLCHAR) return add("\uFFFD");
  add(text);
}

// Columns as wide as their widest cell; where that is too much, cells follow one another.
void Renderer::table() {
  std::vector<int> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  int all = 0;
  for (const int width : widths) all += width + 3;
  const bool fits = all - 3 + width_of(margin()) <= width_;
  for (const auto& row : rows_) {
    Cells out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) add_cells(out, " | ", kDim);
      out.insert(out.end(), row[i].begin(), row[i].end());
      if (fits && i + 1 < row.size())
        add_cells(out, std::string(std::size_t(widths[i] - width_of(row[i])), ' '), kPlain);
    }
    line_ = std::move(out);
    flush();
  }
  rows_.clear();
}

Renderer& renderer_of(void* data) { return *reinterpret_cast<Renderer*>(data); }

bool is_fence(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line.starts_with("```") || line.starts_with("~~~");
}

// Calls visit(line, its end with the line feed, whether it is code or a fence of code).
template <class Visit>
void each_line(std::string_view text, const Visit& visit) {
  bool code = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool fence = is_fence(line);
    at = std::min(end + 1, text.size());
    visit(line, at, code || fence);
    code = code != fence;
  }
}

}  // namespace

std::vector<std::string> render_markdown(std::string_view text, int width, bool styled) {
  Renderer renderer(width, styled);
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* data) {
    renderer_of(data).enter(type, detail);
    return 0;
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* data) {
    renderer_of(data).leave(type);
    return 0;
  };
  parser.enter_span = [](MD_SPANTYPE type, void*, void* data) {
    renderer_of(data).span(type, true);
    return 0;
  };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* data) {
    renderer_of(data).span(type, false);
    return 0;
  };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* bytes, MD_SIZE size, void* data) {
    renderer_of(data).text(type, {bytes, size});
    return 0;
  };
  md_parse(text.data(), MD_SIZE(text.size()), &parser, &renderer);
  return renderer.take();
}

std::vector<std::string> code_blocks(std::string_view text) {
  std::vector<std::string> blocks;
  bool inside = false;
  each_line(text, [&](std::string_view line, std::size_t, bool) {
    if (is_fence(line)) {
      inside = !inside;
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back() += std::string(line) + "\n";
    }
  });
  return blocks;
}

std::size_t finished_part(std::string_view text) {
  std::size_t finished = 0;
  bool before = false;  // something stands before the empty line
  each_line(text, [&](std::string_view line, std::size_t end, bool code) {
    const bool empty = line.find_first_not_of(" \t") == std::string_view::npos;
    if (empty && !code && before && text[end - 1] == '\n') finished = end;
    before = before || !empty;
  });
  return finished;
}

}  // namespace longhand::cli
