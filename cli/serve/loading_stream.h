// Streams of events that begin before the model is loaded that writes them.
#pragma once

#include <functional>
#include <memory>

#include "cli/serve/call.h"
#include "cli/serve/service.h"

namespace longhand::cli {

struct LoadingStream {
  /// Called in a thread of its own; throws once `alive` is false.
  std::function<std::shared_ptr<Service>(const std::function<bool()>& alive)> load;
  std::function<HttpReply(Service&)> answer;  ///< a stream of events
};

/// Comments, so that nobody between takes the connection for dead, then the events of the answer. What fails
/// is told as an event, in the form of the API that the request is for.
HttpReply stream_once_loaded(const Call& call, LoadingStream steps);

}  // namespace longhand::cli
