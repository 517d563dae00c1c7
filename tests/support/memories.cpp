#include "tests/support/memories.h"

namespace longhand::test {
namespace {

const MemoryCase kCases[] = {
    {"full", {}},
    {"window", {.memory = "window", .window = 150, .sinks = 5}},
    {"rerope", {.memory = "rerope", .window = 150}},
    {"leaky_rerope", {.memory = "leaky-rerope", .window = 150, .leak = 4}},
    {"auto", {.memory = "auto", .window = 50}},
    {"auto_in_summary",
     {.memory = "auto", .summary_from = 690, .window = 100, .sinks = 3, .codes = 40, .weighted = true}},
    {"auto_in_summary_exact",
     {.memory = "auto", .summary_from = 433, .window = 61, .codes = 20, .exact = 30}},
    {"vq_learned", {.memory = "vq", .window = 50, .sinks = 3, .codes = 40}},
    {"vq_few_keys", {.memory = "vq", .window = 9, .sinks = 2, .codes = 600}},
    {"vq_all_levers",
     {.memory = "vq",
      .window = 50,
      .sinks = 3,
      .codes = 40,
      .weighted = true,
      .second_order = true,
      .exact = 100}},
    {"vq_exact_few", {.memory = "vq", .window = 30, .sinks = 0, .codes = 20, .exact = 7}},
    {"performer", {.memory = "performer", .window = 50, .sinks = 3, .features = 40}},
    {"performer_many", {.memory = "performer", .window = 700, .sinks = 0, .features = 520}},
};

}  // namespace

std::span<const MemoryCase> memory_cases() { return kCases; }

}  // namespace longhand::test
