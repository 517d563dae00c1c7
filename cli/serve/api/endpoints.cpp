#include "cli/serve/api/endpoints.h"

namespace longhand::cli {
namespace {

constexpr Endpoint kEndpoints[] = {
    {"GET", "/health", nullptr, health},
    {"GET", "/v1/health", nullptr, health},
    {"GET", "/v1/models", nullptr, openai_models},
    {"POST", "/v1/chat/completions", openai_chat, nullptr, true},
    {"POST", "/v1/completions", openai_completions, nullptr, true},
    {"POST", "/v1/embeddings", openai_embeddings},
    {"POST", "/v1/rerank", openai_rerank},
    {"POST", "/v1/messages", anthropic_messages, nullptr, true},
    {"POST", "/v1/messages/count_tokens", anthropic_count},
    {"POST", "/v1/responses", openai_responses, nullptr, true},
    {"POST", "/api/chat", ollama_chat},
    {"POST", "/api/generate", ollama_generate},
    {"GET", "/api/version", nullptr, ollama_version},
    {"GET", "/api/tags", nullptr, ollama_tags},
    {"GET", "/api/ps", nullptr, ollama_ps},
    {"POST", "/api/show", ollama_show},
    {"POST", "/api/embed", ollama_embed},
    {"POST", "/tokenize", tokenize},
    {"POST", "/detokenize", detokenize},
    {"POST", "/apply-template", apply_template},
    {"GET", "/lora-adapters", lora_list},
    {"POST", "/lora-adapters", lora_set},
    {"GET", "/props", props},
    {"GET", "/slots", slots},
    {"GET", "/metrics", nullptr, metrics},
};

}  // namespace

std::span<const Endpoint> endpoints() noexcept { return kEndpoints; }

}  // namespace longhand::cli
