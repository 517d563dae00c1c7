#include "loaders/model/config.h"

#include <cmath>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/config_reader.h"
#include "loaders/model/refused_archs.h"
#include "loaders/model/tensors/leftover_tensors.h"

namespace longhand {
namespace {

// Latent attention has no queries, keys and values to clamp. A value of 0 switches it off.
void read_clamp(const ConfigReader& r, ModelConfig& c) {
  c.clamp_kqv = r.number(key::clamp_kqv, 0);
  if (c.clamp_kqv != 0 && c.arch->latent)
    r.refuse(key::clamp_kqv, fmt::format("is {}, which means nothing with latent attention", c.clamp_kqv),
             Errc::unsupported);
}

// A key cannot be of length 1 where the part of it that is a value is not.
void check_key_norm(const ConfigReader& r, const ModelConfig& c) {
  if (c.attention.key_norm && (c.arch->latent || c.arch->compressed))
    r.refuse(key::key_norm, "is true, which means nothing where values are part of keys", Errc::unsupported);
}

Residual read_residual(const ConfigReader& r, const ArchSpec& arch) {
  if (arch.residual != Residual::as_stated) return arch.residual;
  return r.file().get_bool(key::parallel_residual).value_or(true) ? Residual::parallel : Residual::serial;
}

// Prediction layers are counted among the blocks. Files that do not say how many there are tell them by their
// tensors, which may lie in the last blocks or behind them.
void read_layer_count(const ConfigReader& r, ModelConfig& c) {
  int blocks = r.integer(key::block_count);
  c.skipped_layers = r.integer(key::nextn_layers, 0);
  if (c.skipped_layers >= blocks) {
    r.refuse(key::nextn_layers,
             fmt::format("is {}, must be less than block_count {}", c.skipped_layers, blocks));
  }
  if (const NextLayers next = find_next_layers(r.file().tensors());
      c.skipped_layers == 0 && next.first > 0 && next.first <= blocks && next.end >= blocks) {
    c.skipped_layers = next.end - next.first;
    blocks = next.end;
  }
  c.layers.resize(std::size_t(blocks - c.skipped_layers));
}

}  // namespace

ModelConfig load_config(const Gguf& file) {
  const ConfigReader r(file);
  ModelConfig c;
  const std::string_view name = file.require_string(key::architecture);
  c.arch = find_arch(name);
  if (c.arch == nullptr) {
    if (const RefusedArch* known = find_refused_arch(name)) {
      throw Error(Errc::unsupported, fmt::format("{}: architecture '{}' is known, but not run: {}",
                                                 file.name(), name, known->why));
    }
    throw Error(Errc::unsupported, fmt::format("{}: architecture '{}' is not one of those supported: {}",
                                               file.name(), name, known_archs()));
  }
  c.norm = c.arch->rms_by_key && r.has(key::rms_epsilon) ? Norm::rms : c.arch->norm;
  c.place = c.arch->place;
  c.residual = read_residual(r, *c.arch);
  read_clamp(r, c);
  c.alibi = r.number(key::max_alibi_bias, double(c.arch->alibi));
  c.pairs = c.arch->rope;
  read_act(r, c);
  read_pooling(r, c);
  c.hidden = r.integer(key::embedding_length);
  c.trained_context = r.integer(key::context_length);
  read_layer_count(r, c);
  c.per_layer_width = r.integer(key::per_layer_input, 0);
  c.streams = r.integer(key::altup_inputs, c.arch->streams);
  if (c.streams > 1 && r.integer(key::altup_active, 0) != 0)
    r.refuse(key::altup_active, "is not 0: only the first stream can be the one that layers change",
             Errc::unsupported);
  read_hyper(r, c);
  read_recurrent(r, c);
  read_layers(r, c);
  // Some converters state that of layer norms under the other's name.
  const bool rms = c.norm == Norm::rms || (!r.has(key::norm_epsilon) && r.has(key::rms_epsilon));
  c.norm_epsilon = float(file.require_float(rms ? key::rms_epsilon : key::norm_epsilon));
  c.attention_scale = r.number(key::attention_scale, 0);
  c.attention_softcap = r.number(key::attention_softcap, double(c.arch->attention_softcap));
  c.final_softcap = r.number(key::final_softcap, double(c.arch->final_softcap));
  c.embedding_scale = c.arch->sqrt_embedding ? std::sqrt(float(c.hidden)) : r.number(key::embedding_scale, 0);
  c.residual_scale = r.number(key::residual_scale, 0);
  c.logit_scale = r.number(key::logit_scale, 0);
  if (c.arch->logits_divided && c.logit_scale != 0) c.logit_scale = 1.0f / c.logit_scale;
  c.temperature_scale = r.number(key::temperature_scale, 0);
  read_rope(r, c);
  read_attention(r, c.attention);
  check_key_norm(r, c);
  c.temperature_length = r.integer(key::temperature_length, 0);
  if (c.temperature_length == 0) c.temperature_length = c.rope.original_context;
  read_experts(r, c);
  read_indexer(r, c);  // knows by then which layers are dense
  if (c.arch->read != nullptr) c.arch->read(r, c);
  if (c.arch->quirk != nullptr) c.arch->quirk(c);
  return c;
}

ModelConfig load_config(const GgufHead& head) {
  GgufHead metadata;
  metadata.entries = head.entries;
  const std::string bytes = metadata.bytes();
  return load_config(Gguf::parse(std::as_bytes(std::span(bytes)), "metadata"));
}

}  // namespace longhand
