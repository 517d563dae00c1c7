// The numbers of recurrent layers.

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

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

}  // namespace

void read_recurrent(const ConfigReader& r, ModelConfig& c) {
  if (c.arch->mixer == Mixer::short_conv) c.recurrent.conv_width = r.at_least_1(key::conv_cache);
  if (c.arch->mixer == Mixer::delta_net) read_delta_net(r, c.recurrent);
}

}  // namespace longhand
