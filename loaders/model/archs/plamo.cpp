// PLaMo.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "plamo", .models = "PLaMo 1", .residual = Residual::parallel, .rope = Rope::halves},
    {.name = "plamo3",
     .models = "PLaMo 3",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .window = {.period = 8, .local_rope = true}},
};

}  // namespace

std::span<const ArchSpec> plamo_family() noexcept { return kArchs; }

}  // namespace longhand
