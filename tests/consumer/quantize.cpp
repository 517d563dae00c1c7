// A smaller model: quantize MODEL
#include <cstdio>
#include <exception>

#include "engine/longhand_quantize.h"

int main(int, char** argv) {
  try {
    const auto report =
        longhand::quantize(argv[1], "smaller.gguf", {.type = "Q4_K_M", .allow_requantize = true});
    std::printf("%s -> Q4_K_M: %.2f bits\n", report.tensors[0].from.c_str(), report.bits());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
