// Decimal numbers within bounds, as texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/schema/text_automaton.h"

namespace longhand {

/// digits * 10^-scale, as exact as it was written.
struct Decimal {
  bool negative = false;
  std::string digits;  // no zeros in front, "" is zero
  int scale = 0;       // >= 0, no zeros at the end of the fraction

  std::string integer_digits() const;   // "0" for none
  std::string fraction_digits() const;  // `scale` of them
};
/// Of "-12.5e-3" and the like; nothing for other texts and for exponents beyond 400.
std::optional<Decimal> parse_decimal(std::string_view text);

struct NumberBound {
  Decimal value;
  bool exclusive = false;
};
struct NumberBounds {
  bool integer = false;
  std::vector<NumberBound> at_least{}, at_most{};
  std::vector<Decimal> multiples_of{}, no_multiples_of{};
};

/// Numbers as JSON writes them, without exponents, without -0 and of as many digits as 64-bit integers have
/// or as the bounds need. Empty where no number is left. Throws Error (grammar) for a multiple beyond
/// kMaxMultiple / 10^n.
TextAutomaton number_texts(const NumberBounds& bounds);
inline constexpr int kMaxMultiple = 5000;

}  // namespace longhand
