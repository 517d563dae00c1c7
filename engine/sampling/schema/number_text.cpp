#include "engine/sampling/schema/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kDigits = 19;          // of the largest 64-bit integer
constexpr int kFractionDigits = 16;  // that a double can tell apart
constexpr int kMaxExponent = 400;

// Numbers are read by rules that keep a `Place`; each has its own use for it.
struct Place {
  enum class Part : std::uint8_t { nothing, sign, zero, integer, point, fraction };
  Part part = Part::nothing;
  bool negative = false, nonzero = false;
  int read = 0;     // digits of this part
  int compare = 0;  // -1, 0, 1: magnitude beside that of a bound, as far as read
  int rest = 0;     // of a division
  auto operator<=>(const Place&) const = default;
};
using Part = Place::Part;

// Where a number's text goes on; nothing where it may not. Only `part`, `negative` and `nonzero` are set.
std::optional<Place> grammar_step(const Place& from, char c) {
  Place to = from;
  if (c == '-') {
    to.part = Part::sign;
    to.negative = true;
    return from.part == Part::nothing ? std::optional(to) : std::nullopt;
  }
  if (c == '.') {
    to.part = Part::point;
    return from.part == Part::zero || from.part == Part::integer ? std::optional(to) : std::nullopt;
  }
  to.nonzero = from.nonzero || c != '0';
  if (from.part == Part::zero) return std::nullopt;
  const bool first = from.part == Part::nothing || from.part == Part::sign;
  if (first) to.part = c == '0' ? Part::zero : Part::integer;
  if (from.part == Part::point) to.part = Part::fraction;
  return to;
}

bool complete(const Place& place) {
  const bool ends = place.part == Part::zero || place.part == Part::integer || place.part == Part::fraction;
  return ends && (place.nonzero || !place.negative);
}

template <typename Step, typename Accepts>
TextAutomaton explore(Step step, Accepts accepts) {
  TextAutomaton out;
  std::map<Place, std::uint32_t> numbers = {{Place{}, 0}};
  std::vector<Place> places = {Place{}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place here = places[i];
    TextAutomaton::State state{.accepts = complete(here) && accepts(here)};
    std::map<std::uint32_t, CodePoints> edges;
    for (const char c : std::string_view("-.0123456789")) {
      const std::optional<Place> plain = grammar_step(here, c);
      if (!plain) continue;
      const std::optional<Place> next = step(*plain, here, c);
      if (!next) continue;
      const auto [entry, fresh] = numbers.try_emplace(*next, std::uint32_t(places.size()));
      if (fresh) places.push_back(*next);
      edges[entry->second].emplace_back(std::uint32_t(c), std::uint32_t(c));
    }
    for (auto& [to, set] : edges) state.edges.push_back({normalised(std::move(set)), to});
    out.states.push_back(std::move(state));
    if (out.states.size() > kMaxTextStates) throw Error(Errc::grammar, "a bound has too many digits");
  }
  return reduced(std::move(out));
}

TextAutomaton syntax(bool integer, int digits, int fraction) {
  return explore(
      [=](Place to, const Place& from, char) -> std::optional<Place> {
        if (integer && to.part == Part::point) return std::nullopt;
        to.read = to.part == from.part ? from.read + 1 : 1;
        const bool too_long = (to.part == Part::integer && to.read > digits) ||
                              (to.part == Part::fraction && to.read > fraction);
        return too_long ? std::nullopt : std::optional(to);
      },
      [](const Place&) { return true; });
}

// The number beside `bound`: -1 below, 0 the same, 1 above.
int compared(const Place& place, const Decimal& bound, int integer_digits, int fraction_digits) {
  int magnitude = place.compare;
  if (place.part == Part::fraction) {
    if (magnitude == 0 && place.read < fraction_digits) magnitude = -1;
  } else {
    if (place.read != integer_digits) magnitude = place.read < integer_digits ? -1 : 1;
    if (magnitude == 0 && fraction_digits > 0) magnitude = -1;
  }
  if (place.negative != bound.negative) return place.negative ? -1 : 1;
  return place.negative ? -magnitude : magnitude;
}

TextAutomaton compared_with(const NumberBound& bound, int wanted) {
  const std::string integer = bound.value.integer_digits();
  const std::string fraction = bound.value.fraction_digits();
  const int integers = int(integer.size());
  const int fractions = int(fraction.size());
  const auto digit_beside = [](char c, char other) { return c < other ? -1 : c > other ? 1 : 0; };
  return explore(
      [=](Place to, const Place& from, char c) -> std::optional<Place> {
        if (to.part == Part::sign) return to;
        if (to.part == Part::point) {  // the integers are settled
          if (from.read != integers) to.compare = from.read < integers ? -1 : 1;
          to.read = 0;
          return to;
        }
        const bool behind = to.part == Part::fraction;
        const int at = from.part == to.part || from.part == Part::point ? from.read : 0;
        const std::string& digits = behind ? fraction : integer;
        const char other = at < int(digits.size()) ? digits[std::size_t(at)] : '0';
        const bool open = to.compare == 0 && (behind || at < integers);
        if (open) to.compare = digit_beside(c, other);
        to.read = std::min(at + 1, behind ? fractions : integers + 1);
        return to;
      },
      [=](const Place& place) {
        const int side = compared(place, bound.value, integers, fractions);
        return side == wanted || (side == 0 && !bound.exclusive);
      });
}

TextAutomaton multiples(const Decimal& of, bool wanted) {
  int divisor = 0;
  const auto [end, error] = std::from_chars(of.digits.data(), of.digits.data() + of.digits.size(), divisor);
  const int scale = of.scale;
  if (of.negative || error != std::errc() || divisor < 1 || divisor > kMaxMultiple || scale > kFractionDigits)
    throw Error(Errc::grammar, fmt::format("a multiple must be of n / 10^m with n of 1..{}", kMaxMultiple));
  return explore(
      [=](Place to, const Place& from, char c) -> std::optional<Place> {
        if (to.part == Part::sign) return to;
        to.read = to.part == Part::fraction ? std::min(from.read + 1, scale + 1) : 0;
        if (to.part == Part::point) return to;
        if (to.read > scale) {  // beyond the places of the divisor: zeros only, or else no multiple for good
          if (c != '0') to.rest = -1;
          return to;
        }
        to.rest = (from.rest * 10 + (c - '0')) % divisor;
        return to;
      },
      [=](const Place& place) {
        int rest = place.rest;
        for (int i = place.part == Part::fraction ? std::min(place.read, scale) : 0; rest > 0 && i < scale;
             ++i)
          rest = rest * 10 % divisor;
        return (rest == 0) == wanted;
      });
}

}  // namespace

std::string Decimal::integer_digits() const {
  const int count = int(digits.size()) - scale;
  return count <= 0 ? "0" : digits.substr(0, std::size_t(count));
}

std::string Decimal::fraction_digits() const {
  const std::string padded = std::string(std::size_t(std::max(scale - int(digits.size()), 0)), '0') + digits;
  return padded.substr(padded.size() - std::size_t(scale));
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal out;
  if (text.starts_with('-')) {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t mark = text.find_first_of("eE");
  int exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || std::abs(exponent) > kMaxExponent) return std::nullopt;
  }
  bool behind = false;
  for (const char c : text.substr(0, mark)) {
    if (c == '.') behind = true;
    if (c != '.' && (c < '0' || c > '9')) return std::nullopt;
    if (c == '.') continue;
    if (c != '0' || !out.digits.empty()) out.digits += c;
    out.scale += behind ? 1 : 0;
  }
  out.scale -= exponent;
  if (out.digits.empty()) return Decimal{};
  for (; out.scale < 0; ++out.scale) out.digits += '0';
  while (out.scale > 0 && out.digits.ends_with('0')) {
    out.digits.pop_back();
    --out.scale;
  }
  return out;
}

TextAutomaton number_texts(const NumberBounds& bounds) {
  int digits = kDigits;
  int fraction = kFractionDigits;
  TextAutomaton limits;
  bool limited = false;
  const auto add = [&](TextAutomaton texts) {
    limits = limited ? both(limits, texts) : std::move(texts);
    limited = true;
  };
  int longest = kDigits;
  const auto measure = [&](const Decimal& value) {
    longest = std::max(longest, int(value.integer_digits().size()));
    fraction = std::max(fraction, value.scale + 1);
  };
  for (const NumberBound& bound : bounds.at_least) {
    measure(bound.value);
    add(compared_with(bound, 1));
  }
  for (const NumberBound& bound : bounds.at_most) {
    measure(bound.value);
    add(compared_with(bound, -1));
  }
  for (const Decimal& value : bounds.multiples_of) add(multiples(value, true));
  for (const Decimal& value : bounds.no_multiples_of) add(multiples(value, false));
  TextAutomaton out = syntax(bounds.integer, digits, fraction);
  if (!limited) return out;
  out = both(out, limits);
  // Bounds of more digits than usual, should there be no number of fewer.
  return out.empty() && longest > digits ? both(syntax(bounds.integer, longest, fraction), limits) : out;
}

}  // namespace longhand
