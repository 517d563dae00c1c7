// Values that mean something to the reader of a model: numbers at the edges, texts it compares with, and
// the tensors it asks for.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace longhand::fuzz {

// clang-format off
inline constexpr double kNumbers[] = {
    0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 127, 128, 255, 256, 300, 511, 512, 513, 1024,
    4096, 65535, 65536, 1048576, 2147483647.0, 2147483648.0, 4294967295.0, 9.2e18, 1.8e19, -1, -2, -128,
    -2147483648.0, 0.5, 0.1, 1e-5, 1e-45, 1e-38, 1e4, 1e6, 1e9, 1e30, 3e38, -0.0, -1e-5, -3e38,
    std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
    std::numeric_limits<double>::quiet_NaN()};

// Values that some key compares its text with.
inline constexpr const char* kTexts[] = {
    "", "llama", "mistral3", "smollm3", "internlm2", "ernie4_5", "granite", "granitemoe", "minicpm",
    "qwen2", "qwen2moe", "qwen3", "qwen3moe", "olmo2", "olmoe", "phi3", "gemma", "gemma2", "gemma3", "glm4",
    "command-r", "cohere2", "starcoder2", "stablelm", "nemotron", "phi2", "gpt2", "bert", "t5", "rwkv",
    "gemma4", "none", "no_vocab", "default", "gpt-2", "llama-bpe", "smollm", "qwen2", "tekken",
    "deepseek-llm", "chatglm-bpe", "none", "linear", "yarn", "longrope", "ntk", "full", "window", "rerope",
    "leaky-rerope", "auto", "vq", "performer", "log_n", "sqrt_log_n", "constant", "<s>", "</s>", "<|im_end|>",
    "<0x41>", "a b", "\xE2\x96\x81", "{{ messages[0].content }}",
    "{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}"};
// clang-format on

/// Names of tensors that some architecture asks a file for, those inside a layer without "blk.N.".
const std::vector<std::string>& tensor_words();

}  // namespace longhand::fuzz
