#include "ops/isa.h"

#include <array>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace longhand {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"sse2",       "avx2", "avxvnni", "avx512",
                                                    "avx512bf16", "neon", "neondot"};

#if defined(__x86_64__)

struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf) {
  Leaf r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

// Registers the operating system saves on a context switch (XCR0). Own probe: compilers' built-in ones differ
// in the names they know, and some libraries skip this check.
std::uint64_t saved_registers() {
  if ((cpuid(1, 0).ecx & (1u << 27)) == 0) return 0;  // OSXSAVE
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

constexpr bool all(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

struct Probe {
  bool avx2 = false, avxvnni = false, avx512 = false, avx512bf16 = false;

  Probe() {
    const Leaf one = cpuid(1, 0), seven = cpuid(7, 0), seven1 = cpuid(7, 1);
    const std::uint64_t saved = saved_registers();
    constexpr unsigned fma = 1u << 12, f16c = 1u << 29, avx = 1u << 28;
    constexpr unsigned avx2_bit = 1u << 5, bmi1 = 1u << 3, bmi2 = 1u << 8;
    avx2 = all(one.ecx, fma | f16c | avx) && all(seven.ebx, avx2_bit | bmi1 | bmi2) && (saved & 0x6) == 0x6;
    avxvnni = avx2 && all(seven1.eax, 1u << 4);
    constexpr unsigned f = 1u << 16, dq = 1u << 17, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31,
                       vnni = 1u << 11;
    avx512 = avx2 && all(seven.ebx, f | dq | cd | bw | vl) && all(seven.ecx, vnni) && (saved & 0xE6) == 0xE6;
    avx512bf16 = avx512 && all(seven1.eax, 1u << 5);
  }
};

#endif

}  // namespace

std::string_view isa_name(Isa isa) noexcept { return kNames[std::size_t(isa)]; }

bool isa_runs_here(Isa isa) noexcept {
#if defined(__x86_64__)
  static const Probe probe;
  switch (isa) {
    case Isa::sse2:
      return true;
    case Isa::avx2:
      return probe.avx2;
    case Isa::avxvnni:
      return probe.avxvnni;
    case Isa::avx512:
      return probe.avx512;
    case Isa::avx512bf16:
      return probe.avx512bf16;
    default:
      return false;
  }
#elif defined(__aarch64__)
  if (isa == Isa::neon) return true;
#if defined(__linux__)
  constexpr unsigned long kHwcapAsimdDp = 1ul << 20;
  return isa == Isa::neondot && (getauxval(AT_HWCAP) & kHwcapAsimdDp) != 0;
#else
  return isa == Isa::neondot;  // every Apple arm64 CPU has it
#endif
#else
  (void)isa;
  return false;
#endif
}

}  // namespace longhand
