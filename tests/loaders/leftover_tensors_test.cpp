#include "loaders/model/tensors/leftover_tensors.h"

#include <gtest/gtest.h>

#include <vector>

namespace longhand {
namespace {

constexpr int kLayers = 4, kSkipped = 1;
bool left(std::string_view name) { return known_leftover(name, kLayers, kSkipped); }

TEST(LeftoverTensors, PartsForPicturesAndSoundAreKnown) {
  for (const char* name :
       {"v.blk.0.attn_q.weight", "v.patch_embd.weight", "mm.0.weight", "mm.input_projection.weight",
        "a.blk.1.ffn_up.weight", "vision_tower.encoder.weight", "model.visual.merger.weight",
        "multi_modal_projector.linear_1.weight", "resampler.query", "audio_tower.conv1.weight"}) {
    EXPECT_TRUE(of_other_part(name)) << name;
    EXPECT_TRUE(left(name)) << name;
  }
}

TEST(LeftoverTensors, LayersThatPredictFurtherTokensAreKnown) {
  for (const char* name : {"blk.4.attn_q.weight", "blk.4.nextn.eh_proj.weight", "blk.3.nextn.enorm.weight",
                           "mtp.layers.0.input_layernorm.weight", "nextn.eh_proj.weight",
                           "mtp_block.attn.weight", "eagle3.fc.weight", "medusa.0.weight"}) {
    EXPECT_TRUE(of_further_tokens(name, kLayers, kSkipped)) << name;
    EXPECT_TRUE(left(name)) << name;
    EXPECT_FALSE(of_other_part(name)) << name;
  }
}

TEST(LeftoverTensors, PredictionLayersAreFoundByTheirTensors) {
  std::vector<TensorInfo> tensors(3);
  tensors[0].name = "blk.0.attn_q.weight";
  tensors[1].name = "blk.5.nextn.enorm.weight";
  tensors[2].name = "blk.4.nextn.eh_proj.weight";
  EXPECT_EQ(find_next_layers(tensors).first, 4);
  EXPECT_EQ(find_next_layers(tensors).end, 6);
  EXPECT_EQ(find_next_layers(std::span(tensors).first(1)).end, 0);
}

TEST(LeftoverTensors, TheTextModelsOwnAreNot) {
  for (const char* name : {"blk.0.attn_q.weight", "blk.5.attn_q.weight", "token_embd.weight", "output.weight",
                           "value.weight", "attn.weight", "", "blk.", "blk.x.weight", "mm", "vb.weight"}) {
    EXPECT_FALSE(of_other_part(name)) << name;
    EXPECT_FALSE(left(name)) << name;
  }
  EXPECT_TRUE(left("blk.0.attn_rot_embd"));
  EXPECT_TRUE(left("blk.0.ffn_up.input_scale"));
}

}  // namespace
}  // namespace longhand
