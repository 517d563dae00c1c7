// Encoders, which see the whole text at once: BERT and what came of it, and decoders trained on without a
// mask.

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// BERT itself (arXiv 1810.04805): norms of the stream, and those of the embeddings before it.
constexpr ArchSpec bert(std::string_view name, std::string_view models) {
  ArchSpec a{.name = name, .models = models};
  a.norm = Norm::layer;
  a.place = NormPlace::stream;
  a.output_norm = "";
  a.embedding_norm = true;
  a.token_types = true;
  a.rope = Rope::none;
  a.act = Act::gelu_erf;
  a.gated = false;
  a.causal = false;
  return a;
}

constexpr ArchSpec plain_bert() {
  ArchSpec a = bert("bert", "BERT, BGE, E5, MiniLM");
  a.learned_positions = true;
  return a;
}

constexpr ArchSpec jina_bert_v2() {
  ArchSpec a = bert("jina-bert-v2", "jina-embeddings v2");
  a.alibi = 8;
  a.qk_norm = QkNorm::full_width_optional;
  a.gated = true;
  return a;
}

constexpr ArchSpec nomic_bert() {
  ArchSpec a = bert("nomic-bert", "nomic-embed-text v1, v1.5");
  a.rope = Rope::halves;
  a.act = Act::silu;
  a.gated = true;
  return a;
}

constexpr ArchSpec rotated_bert(std::string_view name, std::string_view models) {
  ArchSpec a = bert(name, models);
  a.rope = Rope::halves;
  a.experts.normalise = false;
  return a;
}

constexpr ArchSpec kArchs[] = {
    plain_bert(),
    nomic_bert(),
    rotated_bert("nomic-bert-moe", "nomic-embed-text v2"),
    jina_bert_v2(),
    rotated_bert("jina-bert-v3", "jina-embeddings v3"),
    {.name = "modern-bert",
     .models = "ModernBERT, granite-embedding R2",
     .norm = Norm::layer,
     .first_norm = false,
     .embedding_norm = true,
     .rope = Rope::halves,
     .act = Act::gelu_erf,
     .window = {.period = 3, .full_first = true, .local_rope = true},
     .causal = false,
     .score = {.from = PoolingRule::mean, .act = ScoreAct::gelu}},
    {.name = "neo-bert", .models = "NeoBERT", .output_norm = "enc.output_norm", .causal = false},
    {.name = "eurobert", .models = "EuroBERT", .rope = Rope::halves, .causal = false},
    {.name = "llama-embed", .models = "llama-embed-nemotron", .causal = false},
    {.name = "gemma-embedding",
     .models = "EmbeddingGemma",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .causal = false,
     .sqrt_embedding = true},
};

}  // namespace

std::span<const ArchSpec> bert_family() noexcept { return kArchs; }

}  // namespace longhand
