// A model that is being served, and what all its endpoints share.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "cli/serve/served_adapters.h"
#include "engine/longhand.h"
#include "engine/longhand_serve.h"

namespace longhand::cli {

struct ServiceOptions {
  std::string path;       ///< of the model's file
  std::string name = {};  ///< what clients call the model; empty: the file's name without its ending
  SchedulerOptions scheduler = {};
  SamplerOptions sampler = {};          ///< of what a request does not say
  ChatTemplateOptions written_as = {};  ///< its time is that of the request's day
  std::string variables = {};           ///< ChatOptions::variables of every conversation
  int max_tokens = -1;                  ///< of an answer whose request does not say
  EmbedOptions embed = {};
  std::optional<SpeculationOptions> speculation = {};  ///< of what a request does not say
  std::vector<std::string> adapter_paths = {};         ///< of scheduler.session.adapters
};

/// May be used by any number of threads.
class Service {
 public:
  /// Throws Error as Scheduler, ChatTemplate, Embedder and Speculation do.
  Service(const Model& model, ServiceOptions options);

  const Model& model() const noexcept { return model_; }
  const std::string& name() const noexcept { return options_.name; }
  const ServiceOptions& options() const noexcept { return options_; }
  long long since() const noexcept { return since_; }  ///< seconds since 1970
  /// False: it makes vectors or scores of texts.
  bool writes() const noexcept { return scheduler_.has_value(); }
  /// Throws ApiError where the model does not write.
  Scheduler& scheduler();
  ServedAdapters& adapters() noexcept { return adapters_; }
  const ServedAdapters& adapters() const noexcept { return adapters_; }
  /// How conversations are written; templates that know the date know today's. Throws as scheduler().
  ChatTemplate written();

  /// Tokens a text may have.
  int context() const noexcept;
  /// What stands at the end of tokens' texts, as bytes.
  std::string text_of(Token token) const { return model_.piece(token, true); }

  /// Vectors or scores, one caller at a time. Throws Error(busy) where too many wait.
  template <class Use>
  auto embed(const Use& use) {
    const Place place(*this);
    const std::scoped_lock lock(embedding_);
    if (!embedder_) embedder_.emplace(model_, options_.embed);
    return use(*embedder_);
  }

 private:
  // Of one that waits for the embedder or uses it.
  class Place {
   public:
    explicit Place(Service& service);
    ~Place() { --service_.embeds_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Service& service_;
  };

  Model model_;
  ServiceOptions options_;
  ServedAdapters adapters_;
  long long since_;
  std::optional<Scheduler> scheduler_;
  std::mutex writing_;  // of the two that follow
  std::optional<ChatTemplate> written_;
  std::string today_;
  std::atomic<int> embeds_{0};
  std::mutex embedding_;
  std::optional<Embedder> embedder_;  // made when first asked for
};

}  // namespace longhand::cli
