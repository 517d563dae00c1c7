// The numbers of recurrent layers.

#include <algorithm>

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

constexpr std::int64_t kMostChannels = 1 << 24;

void read_delta_net(const ConfigReader& r, RecurrentConfig& c) {
  c.conv_width = r.at_least_1(key::conv_kernel);
  c.state_size = r.at_least_1(key::state_size);
  c.heads = r.at_least_1(key::time_step_rank);
  c.groups = r.at_least_1(key::state_groups);
  c.inner = r.at_least_1(key::inner_size);
  if (c.heads % c.groups != 0)
    r.refuse(key::state_groups, fmt::format("is {}, must divide time_step_rank {}", c.groups, c.heads));
  if (std::int64_t{c.heads} * c.state_size != c.inner) {
    r.refuse(key::inner_size, fmt::format("is {}, must be time_step_rank {} times state_size {}", c.inner,
                                          c.heads, c.state_size));
  }
}

void read_kimi_delta(const ConfigReader& r, RecurrentConfig& c) {
  c.conv_width = r.at_least_1(key::conv_kernel);
  c.state_size = r.at_least_1(key::kda_head_dim);
  const std::vector<std::int64_t> heads = r.file().get_ints(key::head_count);
  c.heads = heads.empty() ? 0 : int(heads[0]);
  if (c.heads < 1) r.refuse(key::head_count, fmt::format("is {}, must be at least 1", c.heads));
  if (std::int64_t{c.heads} * c.state_size > kMostChannels)
    r.refuse(key::kda_head_dim, fmt::format("is {}: {} heads of it exceed 2^24", c.state_size, c.heads));
  c.inner = c.heads * c.state_size;
}

void read_mamba(const ConfigReader& r, RecurrentConfig& c) {
  c.conv_width = r.at_least_1(key::conv_kernel);
  c.state_size = r.at_least_1(key::state_size);
  c.inner = r.at_least_1(key::inner_size);
  c.dt_rank = r.at_least_1(key::time_step_rank);
  c.normed = r.file().get_bool(key::scan_inputs_norm).value_or(false);
}

// Of the scans that go by heads.
void read_heads(const ConfigReader& r, RecurrentConfig& c) {
  c.heads = c.dt_rank;
  if (c.inner % c.heads != 0)
    r.refuse(key::time_step_rank, fmt::format("is {}, must divide inner_size {}", c.heads, c.inner));
}

void read_mamba2(const ConfigReader& r, RecurrentConfig& c) {
  read_mamba(r, c);
  read_heads(r, c);
  c.groups = r.at_least_1(key::state_groups);
  if (c.heads % c.groups != 0)
    r.refuse(key::state_groups, fmt::format("is {}, must divide time_step_rank {}", c.groups, c.heads));
  if (std::int64_t{c.groups} * c.state_size > kMostChannels)
    r.refuse(key::state_size, fmt::format("is {}: {} groups of it exceed 2^24", c.state_size, c.groups));
}

// PLaMo 2 states its number of heads where others state the rank of time steps, which it derives.
void read_mamba_heads(const ConfigReader& r, ModelConfig& c) {
  read_mamba(r, c.recurrent);
  read_heads(r, c.recurrent);
  c.recurrent.dt_rank = std::max(64, c.hidden / 16);
}

// Heads are as many as fit the stream. Files of RWKV state none.
void read_wkv_heads(const ConfigReader& r, ModelConfig& c) {
  const int size = r.at_least_1(key::wkv_head_size);
  if (c.hidden % size != 0)
    r.refuse(key::wkv_head_size, fmt::format("is {}, must divide embedding_length {}", size, c.hidden));
  c.recurrent.state_size = size;
  c.recurrent.heads = c.hidden / size;
  c.recurrent.conv_width = 2;  // of the convolution's inputs one is remembered: the token before
}

void read_rwkv6(const ConfigReader& r, ModelConfig& c) {
  read_wkv_heads(r, c);
  c.rwkv.mix_rank = r.at_least_1(key::mix_rank);
  c.rwkv.decay_rank = r.at_least_1(key::mix_decay_rank);
  if (c.arch->channel_mix) c.rwkv.rescale_every = r.integer(key::rescale_every, 0);
  const std::vector<std::int64_t> kv = r.file().get_ints(key::head_count_kv);
  c.rwkv.kv_heads = kv.empty() || kv[0] == 0 ? c.recurrent.heads : int(kv[0]);
  if (c.recurrent.heads % c.rwkv.kv_heads != 0) {
    r.refuse(key::head_count_kv,
             fmt::format("is {}, must divide the {} heads", c.rwkv.kv_heads, c.recurrent.heads));
  }
}

void read_rwkv7(const ConfigReader& r, ModelConfig& c) {
  read_wkv_heads(r, c);
  c.rwkv.decay_rank = r.at_least_1(key::decay_lora_rank);
  c.rwkv.rate_rank = r.at_least_1(key::rate_lora_rank);
  c.rwkv.value_rank = r.at_least_1(key::value_lora_rank);
  c.rwkv.gate_rank = r.integer(key::gate_lora_rank, 0);
}

}  // namespace

void read_recurrent(const ConfigReader& r, ModelConfig& c) {
  const Mixer mixer = c.arch->mixer;
  if (mixer == Mixer::short_conv) c.recurrent.conv_width = r.at_least_1(key::conv_cache);
  if (mixer == Mixer::delta_net) read_delta_net(r, c.recurrent);
  if (mixer == Mixer::kimi_delta) read_kimi_delta(r, c.recurrent);
  if (mixer == Mixer::mamba || mixer == Mixer::mamba_normed) read_mamba(r, c.recurrent);
  if (mixer == Mixer::mamba_heads) read_mamba_heads(r, c);
  if (mixer == Mixer::mamba2) read_mamba2(r, c.recurrent);
  if (mixer == Mixer::rwkv6) read_rwkv6(r, c);
  if (mixer == Mixer::rwkv7) read_rwkv7(r, c);
}

}  // namespace longhand
