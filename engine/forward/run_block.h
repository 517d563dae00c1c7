// What each kind of block computes, and what it needs for it. One file of blocks/ each.
//
//   input_kinds(plan)          the rounded forms of its input that its first matrices read
//   widest_input(plan)         columns of the widest input of its inner matrices that it puts in ws.in
//   measure(carver, plan, s)   takes from a counting carver what run() will take
//   run(pass, plan, out)       out (rows, hidden) = block(ws.in); the first `hidden` columns of ws.in are
//   rounded, and
//                              all workers have passed a barrier since. Ends with a barrier. Called by every
//                              worker.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

ActKinds input_kinds(const AttentionPlan& plan) noexcept;
std::int64_t widest_input(const AttentionPlan& plan) noexcept;
void measure(Carver& carver, const AttentionPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const AttentionPlan& plan, float* out) noexcept;

ActKinds input_kinds(const LatentPlan& plan) noexcept;
std::int64_t widest_input(const LatentPlan& plan) noexcept;
void measure(Carver& carver, const LatentPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const LatentPlan& plan, float* out) noexcept;

ActKinds input_kinds(const CompressedPlan& plan) noexcept;
std::int64_t widest_input(const CompressedPlan& plan) noexcept;
void measure(Carver& carver, const CompressedPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const CompressedPlan& plan, float* out) noexcept;

ActKinds input_kinds(const ShortConvPlan& plan) noexcept;
std::int64_t widest_input(const ShortConvPlan& plan) noexcept;
void measure(Carver& carver, const ShortConvPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const ShortConvPlan& plan, float* out) noexcept;

ActKinds input_kinds(const DeltaNetPlan& plan) noexcept;
std::int64_t widest_input(const DeltaNetPlan& plan) noexcept;
void measure(Carver& carver, const DeltaNetPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const DeltaNetPlan& plan, float* out) noexcept;

ActKinds input_kinds(const KimiDeltaPlan& plan) noexcept;
std::int64_t widest_input(const KimiDeltaPlan& plan) noexcept;
void measure(Carver& carver, const KimiDeltaPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const KimiDeltaPlan& plan, float* out) noexcept;

ActKinds input_kinds(const MambaPlan& plan) noexcept;
std::int64_t widest_input(const MambaPlan& plan) noexcept;
void measure(Carver& carver, const MambaPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const MambaPlan& plan, float* out) noexcept;

ActKinds input_kinds(const MambaHeadsPlan& plan) noexcept;
std::int64_t widest_input(const MambaHeadsPlan& plan) noexcept;
void measure(Carver& carver, const MambaHeadsPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const MambaHeadsPlan& plan, float* out) noexcept;

ActKinds input_kinds(const Mamba2Plan& plan) noexcept;
std::int64_t widest_input(const Mamba2Plan& plan) noexcept;
void measure(Carver& carver, const Mamba2Plan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const Mamba2Plan& plan, float* out) noexcept;

ActKinds input_kinds(const TimeMix6Plan& plan) noexcept;
std::int64_t widest_input(const TimeMix6Plan& plan) noexcept;
void measure(Carver& carver, const TimeMix6Plan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const TimeMix6Plan& plan, float* out) noexcept;

ActKinds input_kinds(const TimeMix7Plan& plan) noexcept;
std::int64_t widest_input(const TimeMix7Plan& plan) noexcept;
void measure(Carver& carver, const TimeMix7Plan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const TimeMix7Plan& plan, float* out) noexcept;

ActKinds input_kinds(const ChannelMixPlan& plan) noexcept;
std::int64_t widest_input(const ChannelMixPlan& plan) noexcept;
void measure(Carver& carver, const ChannelMixPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const ChannelMixPlan& plan, float* out) noexcept;

ActKinds input_kinds(const DensePlan& plan) noexcept;
std::int64_t widest_input(const DensePlan& plan) noexcept;
void measure(Carver& carver, const DensePlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const DensePlan& plan, float* out) noexcept;

ActKinds input_kinds(const MoePlan& plan) noexcept;
std::int64_t widest_input(const MoePlan& plan) noexcept;
void measure(Carver& carver, const MoePlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const MoePlan& plan, float* out) noexcept;

ActKinds input_kinds(const PerLayerInputPlan& plan) noexcept;
std::int64_t widest_input(const PerLayerInputPlan& plan) noexcept;
void measure(Carver& carver, const PerLayerInputPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const PerLayerInputPlan& plan, float* out) noexcept;

ActKinds input_kinds(const LaurelPlan& plan) noexcept;
std::int64_t widest_input(const LaurelPlan& plan) noexcept;
void measure(Carver& carver, const LaurelPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const LaurelPlan& plan, float* out) noexcept;

ActKinds input_kinds(const AltupPredictPlan& plan) noexcept;
std::int64_t widest_input(const AltupPredictPlan& plan) noexcept;
void measure(Carver& carver, const AltupPredictPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const AltupPredictPlan& plan, float* out) noexcept;

ActKinds input_kinds(const AltupCorrectPlan& plan) noexcept;
std::int64_t widest_input(const AltupCorrectPlan& plan) noexcept;
void measure(Carver& carver, const AltupCorrectPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const AltupCorrectPlan& plan, float* out) noexcept;

ActKinds input_kinds(const MatrixPlan& plan) noexcept;
std::int64_t widest_input(const MatrixPlan& plan) noexcept;
void measure(Carver& carver, const MatrixPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const MatrixPlan& plan, float* out) noexcept;

ActKinds input_kinds(const EmbeddingAgainPlan& plan) noexcept;
std::int64_t widest_input(const EmbeddingAgainPlan& plan) noexcept;
void measure(Carver& carver, const EmbeddingAgainPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const EmbeddingAgainPlan& plan, float* out) noexcept;

ActKinds input_kinds(const HyperMixPlan& plan) noexcept;
std::int64_t widest_input(const HyperMixPlan& plan) noexcept;
void measure(Carver& carver, const HyperMixPlan& plan, const WorkspaceSizes& sizes) noexcept;
void run(const Pass& pass, const HyperMixPlan& plan, float* out) noexcept;

}  // namespace longhand
