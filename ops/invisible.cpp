#include "ops/invisible.h"

#include <algorithm>
#include <iterator>

namespace longhand {
namespace {

struct Range {
  char32_t first, last;
  bool contains(char32_t code) const noexcept { return first <= code && code <= last; }
};

constexpr Range kControls[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x202A, 0x202E},
                               {0x2066, 0x206F}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
constexpr Range kMarks[] = {{0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200B},
                            {0x200E, 0x200F}, {0x2028, 0x2029}, {0x2060, 0x2064}, {0xFEFF, 0xFEFF}};

bool within(char32_t code, auto&& ranges) noexcept {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](const Range& range) { return range.contains(code); });
}

}  // namespace

bool is_control(char32_t code) noexcept { return within(code, kControls); }
bool is_invisible(char32_t code) noexcept { return is_control(code) || within(code, kMarks); }

}  // namespace longhand
