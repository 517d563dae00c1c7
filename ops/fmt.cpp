// The one compiled copy of {fmt}. Header-only use would compile it into each of the library's files, at
// several seconds a file; linking Debian's shared library would burden every embedder. Our copy lives in a
// namespace of its own (see CMakeLists.txt), so that it never meets the one a host may bring.

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);
template dragonbox::decimal_fp<float> dragonbox::to_decimal(float) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double) noexcept;

}  // namespace detail
FMT_END_NAMESPACE
