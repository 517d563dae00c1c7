// The way from the public classes to what they are made of, for the library itself, and for programs and
// tests that measure it. Not installed.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "engine/longhand.h"

namespace longhand {

class Tokenizer;
struct TokenTable;

struct Access {
  using SessionImpl = Session::Impl;
  using SpeculationImpl = Speculation::Impl;
  using RunnerImpl = Runner::Impl;

  static const ModelData& data(const Model& model) noexcept { return *model.data_; }
  static const std::shared_ptr<const ModelData>& shared(const Model& model) noexcept { return model.data_; }
  static Model model(std::shared_ptr<const ModelData> data) { return Model(std::move(data)); }
  static const std::shared_ptr<const AdapterData>& data(const Adapter& adapter) noexcept {
    return adapter.data_;
  }
  static const std::shared_ptr<const ControlData>& data(const ControlVector& vector) noexcept {
    return vector.data_;
  }
  /// Null where it was moved from.
  static SessionImpl* impl(const Session& session) noexcept { return session.impl_.get(); }
  static SpeculationImpl& impl(Speculation& speculation) noexcept { return *speculation.impl_; }
  static const RunnerImpl& impl(const Runner& runner) noexcept { return *runner.impl_; }

  /// For measuring at depth: appends tokens as Session::feed does, but computes nothing; what the states hold
  /// of them afterwards is random. Throws Error as feed does.
  static void pretend(Session& session, std::span<const Token> tokens);

  /// Samplers for vocabularies without a model. What `tokens` refers to, and `tokenizer`, must outlive them.
  static Sampler sampler(const SamplerOptions& options, TokenTable tokens);
  static Sampler sampler(const SamplerOptions& options, const Tokenizer& tokenizer);
};

inline const ModelData& model_data(const Model& model) noexcept { return Access::data(model); }

}  // namespace longhand
