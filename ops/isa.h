// The instruction sets kernels are built for, and which of them this CPU and its operating system allow.
#pragma once

#include <string_view>

namespace longhand {

enum class Isa : unsigned char { sse2, avx2, avxvnni, avx512, avx512bf16, neon, neondot };

std::string_view isa_name(Isa isa) noexcept;
/// True when the CPU has the instructions and the operating system saves their registers.
bool isa_runs_here(Isa isa) noexcept;

}  // namespace longhand
