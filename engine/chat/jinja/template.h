// Chat templates: Jinja 3.1 as Hugging Face renders it (sandboxed, trim_blocks,
// lstrip_blocks, loop controls).
//
// A template computes on the values it is given and nothing else: there are no files, no clock, no
// environment, no Python objects behind the values. What it may cost is limited.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "engine/chat/jinja/functions/clock.h"
#include "engine/chat/jinja/functions/text.h"
#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

struct Program;

struct RenderOptions {
  Limits limits;
  std::optional<CivilTime> now;  ///< what strftime_now() formats; without it the function is undefined
  bool mutable_data = false;  ///< allow list.append(), dict.update() ...; Hugging Face's sandbox forbids them
};

class Template {
 public:
  /// Throws Error (chat_template) naming the line.
  explicit Template(std::string_view source);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Renders with the members of `variables`, which live in `heap`, as the template's variables.
  /// All values made on the way are added to `heap`. May be called from many threads, each with its own
  /// heap. Throws Error (chat_template): what failed and in which line; a message given to
  /// raise_exception() is in it.
  Text render(Heap& heap, const Dict& variables, const RenderOptions& options = {}) const;

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace longhand::jinja
