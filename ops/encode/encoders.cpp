#include "ops/encode/encoders.h"

#include <array>
#include <iterator>

namespace longhand {

// Of these LONGHAND_ENCODERS names the ones that are built, the best first (CMakeLists.txt).
extern const Encoders encoders_sse2, encoders_avx2, encoders_avxvnni, encoders_avx512, encoders_avx512bf16;
extern const Encoders encoders_neon, encoders_neondot;

namespace {

constexpr const Encoders* kBuilt[] = {LONGHAND_ENCODERS};

struct Available {
  std::array<const Encoders*, std::size(kBuilt)> tables{};
  std::size_t count = 0;

  Available() noexcept {
    for (const Encoders* e : kBuilt) {
      if (isa_runs_here(e->isa)) tables[count++] = e;
    }
  }
};

}  // namespace

std::span<const Encoders* const> available_encoders() noexcept {
  static const Available available;
  return {available.tables.data(), available.count};
}

}  // namespace longhand
