// The flags of `longhand serve`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/flags/sampling_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/flags/speculation_flags.h"
#include "cli/serve/http/gate.h"
#include "cli/serve/http/listener.h"
#include "cli/serve/http/tls.h"
#include "cli/serve/request_log.h"
#include "cli/serve/service.h"

namespace longhand::cli {

struct ServeFlags {
  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  /// Throws Error(io).
  Listener listen() const;
  /// Throws UsageError: anybody could reach the server, and nothing keeps anybody out. Error(io): the file of
  /// keys.
  GateOptions gate(const Listener& listener) const;
  /// Null where none is asked for. Throws UsageError where half of it is, and as load_tls().
  std::shared_ptr<const TlsContext> tls() const;
  LogFormat log_format() const;
  HttpLimits limits() const;
  /// Throws Error as SamplingFlags::options().
  ServiceOptions service(const Model& model, const std::string& path) const;

  SessionFlags session{adapting_session()};
  /// A model is named, or one that comes along is given a name.
  bool one_model() const;
  /// Bytes that the files of loaded models may have together.
  std::uint64_t models_room() const;

  std::string models_folder;  ///< empty: a model, or all on this machine
  int drain = 10;             ///< seconds

 private:
  void add_address(CLI::App& verb);
  void add_access(CLI::App& verb);
  void add_models(CLI::App& verb);
  void add_answering(CLI::App& verb);
  void keep_on_disk(const std::string& text);  // of --cache-disk

  SamplingFlags sampling_;
  SpeculationFlags speculation_;
  SchedulerOptions scheduler_;
  EmbedOptions embed_;
  HttpLimits limits_;
  std::string host_ = "127.0.0.1", unix_, key_file_, alias_, certificate_, key_, log_ = "text", template_,
              template_file_, variables_;
  std::vector<std::string> keys_, origins_, hosts_;
  int models_mib_ = -1, port_ = 8080, max_tokens_ = -1, body_mib_ = 32;
  bool insecure_ = false, adapters_wait_ = false;
};

}  // namespace longhand::cli
