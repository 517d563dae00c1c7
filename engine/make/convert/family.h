// What a converter knows of a family of models: one file of families/ each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/make/convert/hub_config.h"
#include "engine/make/convert/model_keys.h"
#include "engine/make/convert/tensor_rows.h"
#include "engine/make/convert/tensor_source.h"

namespace longhand {

/// What a rule may look at.
struct RuleContext {
  const HubConfig& config;
  const StoredTensor& tensor;  // of experts the first one's
  TensorSource& source;
};
using ChangeRows = TensorRows (*)(TensorRows rows, const RuleContext& at);

/// Where a stored tensor goes. Names stand without ".weight" and ".bias", which are kept; a name with another
/// ending is written out, and so is then what it becomes. Several rules for one tensor make several of it.
struct TensorRule {
  /// In a layer what follows "model.layers.N."; else the name without "model.". A * is the number of an
  /// expert: all of them become one tensor.
  std::string_view from;
  std::string_view to;          // in a layer without "blk.N."; empty: left out, since it is not needed
  ChangeRows change = nullptr;  // what becomes of the numbers
  bool whole = false;           // change gets the tensor alone, with no rows: it reads it itself
};

/// A tensor that no stored one becomes.
struct ExtraTensor {
  std::string name;
  TensorRows rows;
};

/// A value that config.json leaves out where it is the library's default.
struct DefaultValue {
  std::string_view key;
  double value;
};

struct Family {
  std::span<const std::string_view> classes;                 // of config.json's `architectures`
  std::string_view architecture;                             // general.architecture
  std::span<const TensorRule> layer_rules = {}, rules = {};  // looked at before those that most models share
  void (*keys)(const HubConfig& config, ModelKeys& keys) = nullptr;  // beyond those that most models share
  std::vector<ExtraTensor> (*extra)(const HubConfig& config) = nullptr;
  std::span<const DefaultValue> defaults = {};
  std::span<const std::string_view> pre_tokenizers = {};  // tried before others that cut alike
  bool ties_head = false;        // a head that is stored is the embedding again, and is left out
  bool trims_embedding = false;  // rows behind the last token are left out
  bool escapes_spaces = false;   // merges work on characters, with U+2581 for a space
  bool (*fits)(const HubConfig& config) =
      nullptr;  // where a class has several forms: whether this is the one
};

/// nullptr for classes that no family lists, and for models that fit none of their forms.
const Family* find_family(std::string_view model_class, const HubConfig& config);
/// The classes of all families, with ", " between.
std::string known_classes();

/// Rules of most models with gated feed-forward networks.
std::span<const TensorRule> common_layer_rules() noexcept;
std::span<const TensorRule> common_rules() noexcept;
/// Sizes, positions, norms and experts, as most models' config.json has them.
void add_common_keys(const HubConfig& config, ModelKeys& keys);

/// The factors of each frequency where positions are scaled as in Llama 3, else nothing.
std::vector<ExtraTensor> llama3_factors(const HubConfig& config);

// One function a file of families/.
std::span<const Family> llama_converters() noexcept;
std::span<const Family> qwen_converters() noexcept;
std::span<const Family> gemma_converters() noexcept;
std::span<const Family> phi_converters() noexcept;
std::span<const Family> gpt_oss_converters() noexcept;
std::span<const Family> lfm_converters() noexcept;
std::span<const Family> granite_converters() noexcept;
std::span<const Family> olmo_converters() noexcept;
std::span<const Family> deepseek_converters() noexcept;
std::span<const Family> glm_converters() noexcept;
std::span<const Family> plain_converters() noexcept;

}  // namespace longhand
