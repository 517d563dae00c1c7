#include "bench/product_loops.h"

namespace longhand {

extern const ProductLoop* const product_loops_sse2;
extern const ProductLoop* const product_loops_avx2;
extern const ProductLoop* const product_loops_avxvnni;
extern const ProductLoop* const product_loops_avx512;
extern const ProductLoop* const product_loops_avx512bf16;
extern const ProductLoop* const product_loops_neon;
extern const ProductLoop* const product_loops_neondot;

const ProductLoop* product_loops(std::string_view wanted) {
  struct Built {
    std::string_view isa;
    const ProductLoop* loops;
  };
  for (const Built& b : {LONGHAND_PRODUCT_LOOPS}) {  // see CMakeLists.txt
    if (b.isa == wanted) return b.loops;
  }
  return nullptr;
}

}  // namespace longhand
